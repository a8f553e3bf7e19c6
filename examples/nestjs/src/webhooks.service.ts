import { Inject, Injectable } from '@nestjs/common';
import { Webhook } from 'standardwebhooks';

import { CONFIG, Config } from './config.js';

export type News =
  | { readonly type: 'document.ready'; readonly timestamp: string; readonly data: { space_id: string; document_id: string; version: number } }
  | {
      readonly type: 'document.failed';
      readonly timestamp: string;
      readonly data: { space_id: string; document_id: string; version: number; error: string };
    }
  | {
      readonly type: 'answer.completed';
      readonly timestamp: string;
      readonly data: { space_id: string; answer_id: string; conversation_id: string; found: boolean };
    };

const MOST = 10_000;

/** What Protostar told. In memory, for an example: a table with `webhook-id` as its key does the same for good. */
@Injectable()
export class Webhooks {
  private readonly secret: Webhook;
  private readonly taken = new Map<string, News>();

  constructor(@Inject(CONFIG) config: Config) {
    this.secret = new Webhook(config.protostar.webhookSecret);
  }

  /** Raises WebhookVerificationError unless the bytes were signed with our secret within the last five minutes. */
  verified(body: Buffer, headers: Record<string, string>): News {
    return this.secret.verify(body, headers) as News;
  }

  /** Takes an event once: whether it is new. */
  take(id: string, news: News): boolean {
    if (this.taken.has(id)) return false;
    this.taken.set(id, news);
    for (const oldest of this.taken.keys()) {
      if (this.taken.size <= MOST) break;
      this.taken.delete(oldest);
    }
    return true;
  }

  /** What was told of a document or an answer, oldest first. */
  newsOf(id: string): readonly News[] {
    return [...this.taken.values()].filter(({ data }) => ('document_id' in data ? data.document_id : data.answer_id) === id);
  }
}
