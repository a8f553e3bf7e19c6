// The API as the pages call it: with the session's token against forged requests, in the space that the page shows.

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

export async function problemOf(response) {
  const problem = await response.json().catch(() => null);
  const after = Number.parseFloat(response.headers.get("Retry-After"));
  return new Problem(response.status, problem, Number.isFinite(after) ? after : null);
}

// The response, or the Problem that it is. A session that has ended leads to the sign-in.
export async function request(method, path, { json, space = true, ...options } = {}) {
  const sent = { ...headers(), ...options.headers };
  if (!space) delete sent["Protostar-Space"];
  if (json !== undefined) sent["Content-Type"] = "application/json";
  const response = await fetch(path, { method, ...options, headers: sent, body: json !== undefined ? JSON.stringify(json) : options.body });
  if (response.status === 401) signIn();
  if (!response.ok) throw await problemOf(response);
  return response;
}

export async function api(method, path, options) {
  const response = await request(method, path, options);
  return response.status === 204 ? null : response.json();
}

export function signIn() {
  location.assign(`/login?next=${encodeURIComponent(location.pathname + location.search)}`);
}
