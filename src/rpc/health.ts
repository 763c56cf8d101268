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

/** The gRPC health protocol. Serving follows readiness, for the server ("") and for each of its services alike. */
export function healthService(readiness: Readiness, services: readonly string[]) {
  const isKnown = (service: string) => service === "" || services.includes(service);
  const status = async () => ((await readiness.isReady()) ? Status.SERVING : Status.NOT_SERVING);
  const response = (status: Status) => create(HealthCheckResponseSchema, { status });

  async function* statuses(service: string, signal: AbortSignal): AsyncGenerator<readonly HealthCheckResponse[], void> {
    let told: Status | undefined;
    for (;;) {
      const now = isKnown(service) ? await status() : Status.SERVICE_UNKNOWN;
      if (now !== told) yield [response((told = now))];
      signal.throwIfAborted();
      await readiness.nextLook(signal);
    }
  }

  return {
    async check(_: unknown, { service }: HealthCheckRequest) {
      if (!isKnown(service)) throw new ConnectError("no such service here", Code.NotFound);
      return response(await status());
    },

    watch: {
      open: async (_: unknown, { service }: HealthCheckRequest, signal: AbortSignal) => statuses(service, signal),
      messages: (item: HealthCheckResponse) => [item],
    },

    async list() {
      const now = await status();
      const statuses = Object.fromEntries(["", ...services].map((service) => [service, { status: now }]));
      return create(HealthListResponseSchema, { statuses });
    },
  };
}
