import { Controller, Get, Headers, HttpCode, HttpException, Inject, Param, Put, Req } from '@nestjs/common';
import type { Request } from 'express';

import { Documents } from './documents.service.js';
import { Protostar, ProtostarDocument } from './protostar.service.js';
import { News, Webhooks } from './webhooks.service.js';

@Controller('documents')
export class DocumentsController {
  constructor(
    @Inject(Documents) private readonly documents: Documents,
    @Inject(Protostar) private readonly protostar: Protostar,
    @Inject(Webhooks) private readonly webhooks: Webhooks,
  ) {}

  /** The file is the body, as it is, whatever its `Content-Type` says: `curl -X PUT --data-binary @guide.pdf`. */
  @Put(':filename')
  @HttpCode(202)
  async upload(
    @Param('filename') filename: string,
    @Req() request: Request,
    @Headers('content-length') length?: string,
    @Headers('idempotency-key') idempotencyKey?: string,
  ): Promise<ProtostarDocument> {
    if (!length) throw new HttpException('Say how long the file is: Content-Length.', 411);
    return this.documents.upload(filename, request, Number(length), idempotencyKey);
  }

  /** The document as Protostar has it, and what the webhooks said of it. */
  @Get(':id')
  async show(@Param('id') id: string): Promise<ProtostarDocument & { news: readonly News[] }> {
    return { ...(await this.protostar.document(id)), news: this.webhooks.newsOf(id) };
  }
}
