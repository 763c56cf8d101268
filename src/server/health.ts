import { Code, ConnectError, type ServiceImpl } from "@connectrpc/connect";
import { type Health, HealthCheckResponse_ServingStatus as Status } from "../../gen/health/v1/health_pb.ts";
import type { Readiness } from "./readiness.ts";

/** The gRPC health protocol. Serving follows readiness, for the server ("") and for each of its services alike. */
export function healthService(readiness: Readiness, services: readonly string[]): ServiceImpl<typeof Health> {
  const isKnown = (service: string) => service === "" || services.includes(service);
  const status = async () => ((await readiness.isReady()) ? Status.SERVING : Status.NOT_SERVING);
  return {
    async check({ service }) {
      if (!isKnown(service)) throw new ConnectError(`no service ${service} here`, Code.NotFound);
      return { status: await status() };
    },

    async *watch({ service }, { signal }) {
      let told: Status | undefined;
      for (;;) {
        const now = isKnown(service) ? await status() : Status.SERVICE_UNKNOWN;
        if (now !== told) yield { status: (told = now) };
        signal.throwIfAborted();
        await readiness.nextLook(signal);
      }
    },

    async list() {
      const now = await status();
      return { statuses: Object.fromEntries(["", ...services].map((service) => [service, { status: now }])) };
    },
  };
}
