import { configureSync, getConsoleSink, getJsonLinesFormatter } from "@logtape/logtape";
import type { LogLevel } from "./config.ts";

/** One JSON object a line, on the console, in the same shape on every runtime. */
export function configureLogging(lowestLevel: LogLevel): void {
  configureSync({
    sinks: { console: getConsoleSink({ formatter: getJsonLinesFormatter({ properties: "flatten" }) }) },
    loggers: [
      { category: "roomlog", lowestLevel, sinks: ["console"] },
      { category: ["logtape", "meta"], lowestLevel: "warning", sinks: ["console"] },
    ],
  });
}
