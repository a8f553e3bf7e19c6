import assert from 'node:assert/strict';
import { once } from 'node:events';
import type { IncomingMessage, ServerResponse } from 'node:http';
import { test } from 'node:test';

import { running } from './support.js';

test('events are passed on byte for byte, with what the caller asked for', async (t) => {
  const seen: { url?: string | undefined; headers: IncomingMessage['headers']; body: string }[] = [];
  const events = 'id: 1-0\nevent: start\ndata: {"answer_id": "a1"}\n\n: alive\n\nid: 1-1\nevent: delta\ndata: {"text": "키위"}\n\n';
  const app = await running(t, async (request, response) => {
    let body = '';
    for await (const chunk of request) body += String(chunk);
    seen.push({ url: request.url, headers: request.headers, body });
    response.setHeader('Content-Type', 'text/event-stream').end(events);
  });
  const headers = { 'Content-Type': 'application/json', 'Idempotency-Key': 'q1' };
  const asked = await fetch(`${app.url}/questions`, { method: 'POST', headers, body: '{"question": "How many?"}' });
  assert.match(asked.headers.get('content-type') ?? '', /^text\/event-stream/);
  assert.equal(await asked.text(), events);
  const resumed = await fetch(`${app.url}/questions/a1/events`, { headers: { 'Last-Event-ID': '1-0' } });
  assert.equal(await resumed.text(), events);
  assert.deepEqual(seen.map(({ url }) => url), ['/v1/answers', '/v1/answers/a1/events']);
  assert.deepEqual(JSON.parse(seen[0]?.body ?? ''), { question: 'How many?', stream: true });
  assert.equal(seen[0]?.headers['idempotency-key'], 'q1');
  assert.equal(seen[1]?.headers['last-event-id'], '1-0');
  assert.equal(seen[1]?.headers.authorization, 'Bearer sk_test');
});

test('a caller who leaves ends the request to Protostar', { timeout: 10_000 }, async (t) => {
  let left: Promise<unknown> | undefined;
  const app = await running(t, (_request, response) => {
    left = once(response, 'close');
    response.setHeader('Content-Type', 'text/event-stream').write('id: 1-0\nevent: start\ndata: {}\n\n');
  });
  const leave = new AbortController();
  const asked = await fetch(`${app.url}/questions/a1/events`, { signal: leave.signal });
  await asked.body?.getReader().read();
  leave.abort();
  await left;
});

test('a caller who reads slowly makes Protostar write slowly', { timeout: 20_000 }, async (t) => {
  let sent = 0;
  let full: (() => void) | undefined;
  const blocked = new Promise<void>((resolve) => (full = resolve));
  const babble = (response: ServerResponse): void => {
    const block = Buffer.alloc(64 * 1024, ':');
    const more = (): void => {
      while (sent < 256 * 1024 * 1024) {
        sent += block.length;
        if (!response.write(block)) {
          // Nothing was taken off for a second: everything between here and the reader is full.
          const quiet = setTimeout(() => full?.(), 1000);
          return void response.once('drain', () => (clearTimeout(quiet), more()));
        }
      }
      full?.();
    };
    more();
  };
  const app = await running(t, (_request, response) => babble(response.setHeader('Content-Type', 'text/event-stream')));
  const leave = new AbortController();
  await fetch(`${app.url}/questions/a1/events`, { signal: leave.signal });
  await blocked;
  assert.ok(sent < 64 * 1024 * 1024, `${sent} bytes are held for a reader who takes none`);
  leave.abort();
});

test('a problem stays the problem, and a Protostar that breaks off breaks off', async (t) => {
  const problem = { status: 429, code: 'rate_limited', detail: 'Too many.' };
  const app = await running(t, (request, response) => {
    if (request.url?.includes('broken')) {
      response.setHeader('Content-Type', 'text/event-stream').write('id: 1-0\n');
      setTimeout(() => response.destroy(), 50);
    } else {
      response.writeHead(429, { 'Content-Type': 'application/problem+json', 'Retry-After': '7' }).end(JSON.stringify(problem));
    }
  });
  const refused = await fetch(`${app.url}/questions/a1/events`);
  assert.equal(refused.status, 429);
  assert.equal(refused.headers.get('retry-after'), '7');
  assert.deepEqual(await refused.json(), problem);
  const broken = await fetch(`${app.url}/questions/broken/events`);
  await assert.rejects(broken.text());
});
