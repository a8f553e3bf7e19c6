import { DynamicModule, Module } from '@nestjs/common';

import { CONFIG, Config } from './config.js';
import { DocumentsController } from './documents.controller.js';
import { Documents } from './documents.service.js';
import { Protostar } from './protostar.service.js';
import { QuestionsController } from './questions.controller.js';
import { WebhooksController } from './webhooks.controller.js';
import { Webhooks } from './webhooks.service.js';

@Module({})
export class AppModule {
  static with(config: Config): DynamicModule {
    return {
      module: AppModule,
      controllers: [DocumentsController, QuestionsController, WebhooksController],
      providers: [{ provide: CONFIG, useValue: config }, Protostar, Documents, Webhooks],
    };
  }
}
