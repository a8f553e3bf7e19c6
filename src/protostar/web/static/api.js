// The API as the pages call it: with the session's token against forged requests, in the space that the page shows.

const PATIENCE = 60_000; // ms for a whole response
const PASSING = [0, 401, 408, 429, 502, 503, 504]; // 0: the connection's; 401: who signs in comes back

const meta = (name) => document.querySelector(`meta[name="${name}"]`)?.content ?? "";

export const space = meta("space"); // for what sends no headers, as links and images

export function headers() {
  const sent = { "X-CSRF-Token": meta("csrf") };
  if (space) sent["Protostar-Space"] = space;
  return sent;
}

// What a problem document says.
export class Problem extends Error {
  constructor(status, problem, retryAfter) {
    super(problem?.detail ?? problem?.title ?? `HTTP ${status}`);
    this.status = status;
    this.code = problem?.code;
    this.documents = problem?.documents ?? [];
    this.retryAfter = retryAfter ?? problem?.retry_after ?? null;
  }
}

// Whether the same may go well another time.
export const passes = ({ status }) => PASSING.includes(status);

// A connection that broke, in a sentence; whoever gave up knows why.
const broken = (error) => (error.name === "AbortError" ? error : new Problem(0, { detail: "The server cannot be reached." }));

async function problemOf(response) {
  const problem = await response.json().catch(() => null);
  const after = Number.parseFloat(response.headers.get("Retry-After"));
  return new Problem(response.status, problem, Number.isFinite(after) ? after : null);
}

// The response, or the Problem that it is. A session that has ended leads to the sign-in.
export async function request(method, path, { json, space = true, ...options } = {}) {
  const sent = { ...headers(), ...options.headers };
  if (!space) delete sent["Protostar-Space"];
  if (json !== undefined) sent["Content-Type"] = "application/json";
  const response = await fetch(path, { method, signal: AbortSignal.timeout(PATIENCE), ...options, headers: sent, body: json !== undefined ? JSON.stringify(json) : options.body })
    .catch((error) => { throw broken(error); });
  if (response.status === 401) signIn();
  if (!response.ok) throw await problemOf(response);
  return response;
}

export async function api(method, path, { as = "json", ...options } = {}) {
  const response = await request(method, path, options);
  return response.status === 204 ? null : response[as]().catch((error) => { throw broken(error); });
}

// «leaving»: the page comes again; what is not saved yet can wait for it.
export function signIn() {
  document.dispatchEvent(new Event("leaving"));
  location.assign(`/login?${new URLSearchParams({ next: location.pathname + location.search, ended: true })}`);
}

// Ends early when the device is connected again.
export const pause = (seconds, signal) => new Promise((resolve) => {
  if (signal.aborted) return resolve();
  const over = new AbortController();
  const end = () => { clearTimeout(timer); over.abort(); resolve(); };
  const timer = setTimeout(end, seconds * 1000);
  addEventListener("online", end, over);
  signal.addEventListener("abort", end, over);
});
