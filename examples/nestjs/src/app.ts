import { NestFactory } from '@nestjs/core';
import type { NestExpressApplication } from '@nestjs/platform-express';

import { AppModule } from './app.module.js';
import type { Config } from './config.js';
import { ProblemFilter } from './protostar.service.js';

/** The application, not listening yet. `rawBody`: a webhook's signature is of the bytes as they came. */
export async function createApp(config: Config): Promise<NestExpressApplication> {
  const app = await NestFactory.create<NestExpressApplication>(AppModule.with(config), { rawBody: true, logger: ['error', 'warn'] });
  app.useGlobalFilters(new ProblemFilter());
  app.enableShutdownHooks();
  return app;
}
