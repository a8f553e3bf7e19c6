import type { IncomingMessage } from 'node:http';

import { NestFactory } from '@nestjs/core';
import type { NestExpressApplication } from '@nestjs/platform-express';

import { AppModule } from './app.module.js';
import type { Config } from './config.js';
import { ProblemFilter } from './protostar.service.js';

/** JSON comes with POST; the body of a PUT is a file, whatever kind it claims, and nobody may read it before it is streamed on. */
const isJson = ({ method, headers }: IncomingMessage): boolean =>
  method === 'POST' && /^application\/json\b/i.test(headers['content-type'] ?? '');

/** The application, not listening yet. `rawBody`: a webhook's signature is of the bytes as they came. */
export async function createApp(config: Config): Promise<NestExpressApplication> {
  const options = { rawBody: true, bodyParser: false, logger: ['error' as const, 'warn' as const] };
  const app = await NestFactory.create<NestExpressApplication>(AppModule.with(config), options);
  app.useBodyParser('json', { type: isJson });
  app.useGlobalFilters(new ProblemFilter());
  app.enableShutdownHooks();
  return app;
}
