// After `npm ci`: compiles what `npm start` loads, so that its first start is as fast as the others. Nothing runs: the
// first import ends the process when all of them are compiled. Where it can't work, the first start does it.
import "../src/node/compile-cache.js";

const sources = ["node/main.ts", "libsql/embedded/database.ts", "libsql/embedded/thread.ts"];
const urls = [
  "data:text/javascript,process.exit()",
  ...sources.map((source) => import.meta.resolve(`../src/${source}`)),
];
const imports = urls.map((url) => `import ${JSON.stringify(url)};`).join("");
await import(`data:text/javascript,${encodeURIComponent(imports)}`).catch(() => {});
