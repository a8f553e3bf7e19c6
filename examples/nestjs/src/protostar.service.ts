import { ArgumentsHost, Catch, ExceptionFilter, HttpException, Inject, Injectable } from '@nestjs/common';
import type { Response } from 'express';

import { CONFIG, Config } from './config.js';

export interface ProtostarDocument {
  readonly id: string;
  readonly title: string;
  readonly status: 'queued' | 'processing' | 'ready' | 'failed';
  readonly version: number;
  readonly error: string | null;
}

export interface Call {
  readonly method?: string;
  readonly body?: unknown;
  readonly headers?: Record<string, string | undefined>;
  readonly signal?: AbortSignal;
}

/** Protostar's answer where it is a problem (RFC 9457); `retryAfter`: when trying again makes sense. */
export class ProtostarProblem extends HttpException {
  constructor(problem: object | string, status: number, readonly retryAfter: string | null) {
    super(problem, status);
  }
}

/** Passes problems on as they are. */
@Catch(ProtostarProblem)
export class ProblemFilter implements ExceptionFilter<ProtostarProblem> {
  catch(problem: ProtostarProblem, host: ArgumentsHost): void {
    const response = host.switchToHttp().getResponse<Response>();
    if (problem.retryAfter !== null) response.set('Retry-After', problem.retryAfter);
    response.status(problem.getStatus()).type('application/problem+json').send(JSON.stringify(problem.getResponse()));
  }
}

/** Protostar's API, with the key of this backend. Its problem documents become the same answer of ours. */
@Injectable()
export class Protostar {
  constructor(@Inject(CONFIG) private readonly config: Config) {}

  /** The whole response where it is one; raises ProtostarProblem, and HttpException 502 where nobody answers. */
  async call(path: string, { method = 'GET', body, headers = {}, signal }: Call = {}): Promise<globalThis.Response> {
    const { url, key } = this.config.protostar;
    const given = Object.entries(headers).filter((entry): entry is [string, string] => entry[1] !== undefined);
    const response = await fetch(url + path, {
      method,
      headers: { Authorization: `Bearer ${key}`, 'Content-Type': 'application/json', ...Object.fromEntries(given) },
      ...(body === undefined ? {} : { body: JSON.stringify(body) }),
      ...(signal ? { signal } : {}),
    }).catch((error: unknown) => {
      if (signal?.aborted) throw error;
      throw new HttpException('The answer service does not answer.', 502, { cause: error });
    });
    if (response.ok) return response;
    const problem = (await response.json().catch(() => undefined)) as object | undefined;
    // Our key is our own affair: what the caller did is not unauthorised because of it.
    const status = response.status === 401 || response.status === 403 ? 502 : response.status;
    throw new ProtostarProblem(problem ?? response.statusText, status, response.headers.get('Retry-After'));
  }

  async document(id: string): Promise<ProtostarDocument> {
    const response = await this.call(`/v1/documents/${encodeURIComponent(id)}`);
    return (await response.json()) as ProtostarDocument;
  }
}
