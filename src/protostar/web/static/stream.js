// One question and the events of its answer, over as many connections as it takes.

import { passes, pause, Problem, request } from "./api.js";
import { events } from "./sse.js";

const PATIENCE = 25_000; // ms for the head of a response, which comes at once
const ATTEMPTS = 20; // in a row, about a minute and a half where every one fails at once
const LONGEST = 8; // seconds between two attempts

// What is asked, with the key by which the server knows it: sent again, it is the same question.
export const asking = (body) => ({ body, key: crypto.randomUUID?.() ?? `${Date.now()}-${Math.random()}`, answer: null });

// Yields what the server says: start, delta…, reset, then done or error; and `waiting` before each new attempt. `signal` ends the
// listening, not the answer.
export async function* ask(asked, signal) {
  let last = null;
  for (let failures = 0; ; ) {
    let failure = new Problem(0, { detail: "The connection broke." });
    try {
      const response = await connect(asked, last, signal);
      for await (const event of events(response)) {
        if (event.id) last = event.id;
        if (event.name === "start") asked.answer = event.data.answer_id;
        failures = 0;
        yield event;
        if (event.name === "done" || event.name === "error") return;
      }
    } catch (error) {
      if (signal.aborted) return;
      // Of the server's own words only those that promise better ones are worth waiting for.
      if (error instanceof Problem) failure = error;
      if (failure.status === 401 || !passes(failure)) throw failure;
    }
    if (failures + 1 >= ATTEMPTS) throw failure;
    const { onLine } = navigator;
    yield { name: "waiting", onLine };
    await pause(Math.max(failure.retryAfter ?? 0, onLine ? Math.min(LONGEST, 2 ** failures / 3) * (0.5 + Math.random() / 2) : LONGEST), signal);
    failures = onLine ? failures + 1 : 0; // those of a device that knows itself offline do not count
  }
}

async function connect({ body, key, answer }, last, signal) {
  const late = new AbortController();
  const timer = setTimeout(() => late.abort(new TypeError("silence")), PATIENCE);
  const options = { signal: AbortSignal.any([signal, late.signal]) };
  try {
    return await (answer === null
      ? request("POST", "/v1/answers", { json: { ...body, stream: true }, headers: { "Idempotency-Key": key }, ...options })
      : request("GET", `/v1/answers/${answer}/events`, { headers: last ? { "Last-Event-ID": last } : {}, ...options }));
  } finally {
    clearTimeout(timer);
  }
}
