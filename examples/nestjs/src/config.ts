/** What the environment says; read once, by `main.ts` and the tests. */
export interface Config {
  readonly port: number;
  readonly protostar: { readonly url: string; readonly key: string; readonly spaceId: string; readonly webhookSecret: string };
  readonly s3: { readonly bucket: string; readonly region: string; readonly endpoint?: string };
}

/** The token under which Nest hands out the `Config`. */
export const CONFIG = Symbol('config');

export function readConfig(env: NodeJS.ProcessEnv): Config {
  const need = (name: string): string => {
    const value = env[name];
    if (!value) throw new Error(`${name} is not set`);
    return value;
  };
  return {
    port: Number(env['PORT'] ?? 3000),
    protostar: {
      url: need('PROTOSTAR_URL').replace(/\/$/, ''),
      key: need('PROTOSTAR_KEY'),
      spaceId: need('PROTOSTAR_SPACE'),
      webhookSecret: need('PROTOSTAR_WEBHOOK_SECRET'),
    },
    s3: {
      bucket: need('S3_BUCKET'),
      region: env['AWS_REGION'] ?? 'us-east-1',
      ...(env['S3_ENDPOINT'] ? { endpoint: env['S3_ENDPOINT'] } : {}),
    },
  };
}
