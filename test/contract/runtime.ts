import { afterAll, beforeAll, describe } from "vitest";
import type { Protocol } from "../support/clients.ts";

/** A service that answers at `url` until it is disposed. */
export interface Service extends AsyncDisposable {
  readonly url: string;
}

/** Registers the tests of a part of the contract; `url` gives an answer once tests run. */
export type Contract = (url: () => string, protocols: readonly Protocol[]) => void;

/**
 * What every runtime promises its clients, over the wire and nothing else: P2 to P6 of the README. The contracts share
 * one service; `protocols` are those that the runtime can carry.
 */
export function runtimeContract(
  runtime: string,
  start: () => Promise<Service>,
  protocols: readonly Protocol[],
  ...contracts: Contract[]
): void {
  describe(`[P6] ${runtime}`, () => {
    let service: Service;
    beforeAll(async () => void (service = await start()), 120_000);
    afterAll(() => service?.[Symbol.asyncDispose]());
    for (const contract of contracts) contract(() => service.url, protocols);
  });
}
