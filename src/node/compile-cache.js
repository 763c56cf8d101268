import * as module from "node:module";
import { join } from "node:path";
import process from "node:process";

// Loaded before the program, in each of its threads: types are stripped from a source once, and not at every start, which
// would take a third of its time and memory. It is JavaScript so that it needs no stripping itself.
module.enableCompileCache?.(join(import.meta.dirname, "../../node_modules/.cache/compiled"));

// npm skips the package with the right Node, in silence, where there is none for the machine or it can't be had.
if (!process.features.typescript) throw new Error(`Roomlog needs Node 24, and this is ${process.version}`);
