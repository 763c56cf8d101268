import { join } from "node:path";

/** What run.ts compiles of the suite's protos, which are no part of this project. */
export const DESCRIPTORS = join(import.meta.dirname, "../../node_modules/.cache/conformance/descriptors.binpb");
