import { BadRequestException, Controller, Headers, HttpCode, Inject, Post, RawBodyRequest, Req } from '@nestjs/common';
import type { Request } from 'express';
import { WebhookVerificationError } from 'standardwebhooks';

import { News, Webhooks } from './webhooks.service.js';

@Controller('webhooks')
export class WebhooksController {
  constructor(@Inject(Webhooks) private readonly webhooks: Webhooks) {}

  /** 204 means taken, also for a repetition; what is not verified is 400, which Protostar does not repeat. */
  @Post('protostar')
  @HttpCode(204)
  hear(@Req() request: RawBodyRequest<Request>, @Headers() headers: Record<string, string>): void {
    const news = this.verified(request.rawBody ?? Buffer.alloc(0), headers);
    this.webhooks.take(headers['webhook-id'] ?? '', news);
  }

  private verified(body: Buffer, headers: Record<string, string>): News {
    try {
      return this.webhooks.verified(body, headers);
    } catch (error) {
      if (error instanceof WebhookVerificationError) throw new BadRequestException('This is not signed as it should be.');
      throw error;
    }
  }
}
