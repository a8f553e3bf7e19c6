// One question and the events of its answer, over as many connections as it takes.

import { Problem, request, signIn } from "./api.js";
import { events } from "./sse.js";

const ATTEMPTS = 6;

// Yields what the server says: start, delta…, reset, then done or error. `signal` ends the listening, not the answer.
export async function* ask(body, signal) {
  const key = crypto.randomUUID?.() ?? `${Date.now()}-${Math.random()}`;
  let [answer, last, failures] = [null, null, 0];
  for (;;) {
    try {
      const response = answer === null
        ? await request("POST", "/v1/answers", { json: { ...body, stream: true }, headers: { "Idempotency-Key": key }, signal })
        : await request("GET", `/v1/answers/${answer}/events`, { headers: last ? { "Last-Event-ID": last } : {}, signal });
      for await (const event of events(response)) {
        if (event.id) last = event.id;
        if (event.name === "start") answer = event.data.answer_id;
        failures = 0;
        yield event;
        if (event.name === "done" || event.name === "error") return;
      }
    } catch (error) {
      if (signal.aborted) return;
      if (error.status === 401) return signIn();
      // A TypeError is the connection's; of the server's own words only those that promise better ones are worth waiting for.
      if (error instanceof Problem && ![429, 502, 503, 504].includes(error.status)) throw error;
      if (++failures >= ATTEMPTS) throw error instanceof Problem ? error : new Problem(0, { detail: "The connection broke." });
      await pause(error.retryAfter ?? Math.min(10, 2 ** failures / 2), signal);
      continue;
    }
    if (++failures >= ATTEMPTS) throw new Problem(0, { detail: "The connection broke." });
    await pause(0.5, signal);
  }
}

const pause = (seconds, signal) => new Promise((resolve) => {
  const timer = setTimeout(resolve, seconds * 1000);
  signal.addEventListener("abort", () => { clearTimeout(timer); resolve(); }, { once: true });
});
