import 'reflect-metadata';

import { createServer, RequestListener } from 'node:http';
import type { AddressInfo } from 'node:net';

import { createApp } from '../src/app.js';

export const SECRET = `whsec_${Buffer.from('a secret of thirty-two bytes ...').toString('base64')}`;

/** A Protostar that answers as the test says, and the real application before it, on ports of their own until the test ends. */
export async function running(
  test: { after: (end: () => Promise<void>) => void },
  protostar: RequestListener,
  bucket = 'http://127.0.0.1:9',
): Promise<{ url: string }> {
  const server = createServer(protostar);
  await new Promise<void>((listening) => server.listen(0, '127.0.0.1', listening));
  const app = await createApp({
    port: 0,
    protostar: { url: `http://127.0.0.1:${(server.address() as AddressInfo).port}`, key: 'sk_test', spaceId: 'space', webhookSecret: SECRET },
    s3: { bucket: 'documents', region: 'us-east-1', endpoint: bucket },
  });
  await app.listen(0, '127.0.0.1');
  test.after(async () => {
    server.closeAllConnections();
    server.close();
    await app.close();
  });
  return { url: await app.getUrl() };
}
