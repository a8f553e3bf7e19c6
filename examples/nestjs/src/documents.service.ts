import { randomUUID } from 'node:crypto';
import type { Readable } from 'node:stream';

import { PutObjectCommand, S3Client } from '@aws-sdk/client-s3';
import { Inject, Injectable, OnModuleDestroy } from '@nestjs/common';

import { CONFIG, Config } from './config.js';
import { Protostar, ProtostarDocument } from './protostar.service.js';

/** Takes files in: their bytes go to the shared bucket, and only their key goes to Protostar. */
@Injectable()
export class Documents implements OnModuleDestroy {
  private readonly s3: S3Client;

  constructor(
    @Inject(CONFIG) private readonly config: Config,
    @Inject(Protostar) private readonly protostar: Protostar,
  ) {
    const { region, endpoint } = config.s3;
    this.s3 = new S3Client({
      region,
      // Stores of one's own know neither host names per bucket nor the newer checksums.
      ...(endpoint ? { endpoint, forcePathStyle: true } : {}),
      requestChecksumCalculation: 'WHEN_REQUIRED',
    });
  }

  onModuleDestroy(): void {
    this.s3.destroy();
  }

  /** Streams `size` bytes into the bucket, then posts their key. Protostar copies the object: it may be deleted at any time. */
  async upload(filename: string, bytes: Readable, size: number, idempotencyKey: string | undefined): Promise<ProtostarDocument> {
    const key = `incoming/${this.config.protostar.spaceId}/${randomUUID()}`;
    await this.s3.send(new PutObjectCommand({ Bucket: this.config.s3.bucket, Key: key, Body: bytes, ContentLength: size }));
    const response = await this.protostar.call('/v1/documents', {
      method: 'POST',
      body: { object_key: key, filename },
      headers: { 'Idempotency-Key': idempotencyKey },
    });
    return (await response.json()) as ProtostarDocument;
  }
}
