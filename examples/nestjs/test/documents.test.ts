import assert from 'node:assert/strict';
import { createServer } from 'node:http';
import type { AddressInfo } from 'node:net';
import { test } from 'node:test';

import { running } from './support.js';

test('a file goes on as it came, whatever kind it claims', { timeout: 20_000 }, async (t) => {
  process.env['AWS_ACCESS_KEY_ID'] = process.env['AWS_SECRET_ACCESS_KEY'] = 'key';
  const stored: string[] = [];
  const bucket = createServer(async (request, response) => {
    let body = '';
    for await (const chunk of request) body += String(chunk);
    stored.push(body);
    response.end();
  });
  await new Promise<void>((listening) => bucket.listen(0, '127.0.0.1', listening));
  t.after(() => void bucket.close());
  const posted: unknown[] = [];
  const app = await running(
    t,
    async (request, response) => {
      let body = '';
      for await (const chunk of request) body += String(chunk);
      posted.push(JSON.parse(body));
      response.setHeader('Content-Type', 'application/json').end('{"id": "d1"}');
    },
    `http://127.0.0.1:${(bucket.address() as AddressInfo).port}`,
  );
  const kinds = ['application/octet-stream', 'application/x-www-form-urlencoded', 'application/json', 'text/plain'];
  for (const kind of kinds) {
    const body = `{"kind": "${kind}"}`;
    const taken = await fetch(`${app.url}/documents/guide.json`, { method: 'PUT', headers: { 'Content-Type': kind }, body });
    assert.equal(taken.status, 202, kind);
    assert.deepEqual(await taken.json(), { id: 'd1' });
    assert.equal(stored.at(-1), body);
  }
  assert.equal(posted.length, kinds.length);
});
