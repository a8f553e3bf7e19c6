import assert from 'node:assert/strict';
import type { RequestListener } from 'node:http';
import { after, before, test } from 'node:test';

import { Webhook } from 'standardwebhooks';

import { running, SECRET } from './support.js';

const document = { id: 'd1', title: 'Guide', status: 'ready', version: 1, error: null };
let app: { url: string };
let stop: (() => Promise<void>) | undefined;
before(async () => {
  const protostar: RequestListener = (_request, response) =>
    response.setHeader('Content-Type', 'application/json').end(JSON.stringify(document));
  app = await running({ after: (end) => (stop = end) }, protostar);
});
after(() => stop?.());

const event = (version: number): string =>
  JSON.stringify({ type: 'document.ready', timestamp: '2026-01-01T00:00:00Z', data: { space_id: 's', document_id: 'd1', version } });

async function send(id: string, body: string, { secret = SECRET, age = 0, signed = body } = {}): Promise<number> {
  const at = new Date(Date.now() - age);
  const headers = {
    'Content-Type': 'application/json',
    'webhook-id': id,
    'webhook-timestamp': String(Math.floor(at.getTime() / 1000)),
    'webhook-signature': new Webhook(secret).sign(id, at, signed),
  };
  return (await fetch(`${app.url}/webhooks/protostar`, { method: 'POST', headers, body })).status;
}

async function versions(): Promise<number[]> {
  const shown = (await (await fetch(`${app.url}/documents/d1`)).json()) as { news: { data: { version: number } }[] };
  return shown.news.map((news) => news.data.version);
}

test('an event is taken once, however often it is delivered', async () => {
  assert.equal(await send('m1', event(1)), 204);
  assert.equal(await send('m1', event(1)), 204);
  assert.deepEqual(await versions(), [1]);
});

test('what is not ours, not whole or not of now is refused', async () => {
  const other = `whsec_${Buffer.from('another secret of some 32 bytes.').toString('base64')}`;
  assert.equal(await send('m2', event(2), { secret: other }), 400);
  assert.equal(await send('m2', event(2), { signed: event(3) }), 400);
  assert.equal(await send('m2', event(2), { age: 6 * 60_000 }), 400);
  assert.equal(await send('m2', event(2), { age: -6 * 60_000 }), 400);
  assert.equal((await fetch(`${app.url}/webhooks/protostar`, { method: 'POST', body: event(2) })).status, 400);
  assert.deepEqual(await versions(), [1]);
});

test('the signature is of the bytes as they came, not of what JSON makes of them', async () => {
  assert.equal(await send('m4', event(4).replace('{', '{ \n')), 204);
  assert.deepEqual(await versions(), [1, 4]);
});
