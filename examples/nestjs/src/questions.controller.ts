import { Readable } from 'node:stream';
import { pipeline } from 'node:stream/promises';
import type { ReadableStream } from 'node:stream/web';

import { Body, Controller, Get, Headers, Inject, Param, Post, Res } from '@nestjs/common';
import type { Response } from 'express';

import { Call, Protostar } from './protostar.service.js';
import { Webhooks } from './webhooks.service.js';

interface Question {
  readonly question: string;
  readonly conversation_id?: string;
}

/**
 * Answers as server-sent events, passed on as they come, byte for byte: their ids too, so that a browser which lost this
 * connection goes on where it was, at this backend, with `Last-Event-ID`.
 */
@Controller('questions')
export class QuestionsController {
  constructor(
    @Inject(Protostar) private readonly protostar: Protostar,
    @Inject(Webhooks) private readonly webhooks: Webhooks,
  ) {}

  @Post()
  async ask(@Body() body: Question, @Res() response: Response, @Headers('idempotency-key') key?: string): Promise<void> {
    await this.relay(response, '/v1/answers', {
      method: 'POST',
      body: { question: body.question, conversation_id: body.conversation_id, stream: true },
      headers: { 'Idempotency-Key': key },
    });
  }

  /** The answer as it is by now, and whether its webhook came. */
  @Get(':answerId')
  async show(@Param('answerId') answerId: string): Promise<object> {
    const response = await this.protostar.call(`/v1/answers/${encodeURIComponent(answerId)}`);
    return { ...((await response.json()) as object), news: this.webhooks.newsOf(answerId) };
  }

  /** `answerId`: from the event `start`. Whose answer that is, is for your own sign-in to say. */
  @Get(':answerId/events')
  async resume(@Param('answerId') answerId: string, @Res() response: Response, @Headers('last-event-id') last?: string): Promise<void> {
    await this.relay(response, `/v1/answers/${encodeURIComponent(answerId)}/events`, { headers: { 'Last-Event-ID': last } });
  }

  private async relay(response: Response, path: string, call: Call): Promise<void> {
    const gone = new AbortController();
    response.once('close', () => gone.abort());
    const upstream = await this.protostar.call(path, { ...call, signal: gone.signal }).catch((error: unknown) => {
      if (!gone.signal.aborted) throw error;
    });
    if (!upstream?.body) return void response.destroy(); // gone before there was an answer
    response.status(200).set({ 'Content-Type': 'text/event-stream', 'Cache-Control': 'no-store', 'X-Accel-Buffering': 'no' });
    response.flushHeaders();
    try {
      // A reader who is slow makes `pipeline` read slower; one who is gone ends it, and with it the request to Protostar.
      await pipeline(Readable.fromWeb(upstream.body as ReadableStream<Uint8Array>), response);
    } catch {
      // Headers are sent: the broken connection itself tells the reader to come back with `Last-Event-ID`.
      response.destroy();
    }
  }
}
