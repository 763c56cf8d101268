import { timestampFromMs } from "@bufbuild/protobuf/wkt";

/** Until when something holds: it doesn't pass, or has passed long ago. */
export const forever = timestampFromMs(253_402_300_799_000);
export const past = timestampFromMs(1_000_000_000_000);
