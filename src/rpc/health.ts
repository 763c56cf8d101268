import { create } from "@bufbuild/protobuf";
import { Code, ConnectError } from "@connectrpc/connect";
import {
  type HealthCheckRequest,
  type HealthCheckResponse,
  HealthCheckResponseSchema,
  HealthListResponseSchema,
  HealthCheckResponse_ServingStatus as Status,
} from "../../gen/health/v1/health_pb.ts";
import type { Readiness } from "./readiness.ts";
import type { Live } from "./rpc.ts";

/** The gRPC health protocol. Serving follows readiness, for the server ("") and for each of its services alike. */
export function healthService(readiness: Readiness, services: readonly string[]) {
  const isKnown = (service: string) => service === "" || services.includes(service);
  const status = async () => ((await readiness.isReady()) ? Status.SERVING : Status.NOT_SERVING);
  const response = (status: Status) => create(HealthCheckResponseSchema, { status });

  return {
    async check(_: unknown, { service }: HealthCheckRequest) {
      if (!isKnown(service)) throw new ConnectError("no such service here", Code.NotFound);
      return response(await status());
    },

    watch: {
      open: async (_: unknown, { service }: HealthCheckRequest) => {
        return new HealthWatch(readiness, async () => (isKnown(service) ? await status() : Status.SERVICE_UNKNOWN));
      },
      messages: (item: HealthCheckResponse) => [item],
    },

    async list() {
      const now = await status();
      const statuses = Object.fromEntries(["", ...services].map((service) => [service, { status: now }]));
      return create(HealthListResponseSchema, { statuses });
    },
  };
}

/** Tells a status, and whenever it has changed. */
class HealthWatch implements Live<HealthCheckResponse> {
  readonly #readiness: Readiness;
  readonly #status: () => Promise<Status>;
  readonly #closing = new AbortController();
  #told: Status | undefined;

  constructor(readiness: Readiness, status: () => Promise<Status>) {
    this.#readiness = readiness;
    this.#status = status;
  }

  async next(): Promise<readonly HealthCheckResponse[]> {
    const { signal } = this.#closing;
    for (;;) {
      const status = await this.#status();
      if (status !== this.#told) {
        this.#told = status;
        return [create(HealthCheckResponseSchema, { status })];
      }
      signal.throwIfAborted();
      await this.#readiness.nextLook(signal);
    }
  }

  close(reason: unknown): void {
    this.#closing.abort(reason);
  }
}
