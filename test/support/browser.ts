import { existsSync } from "node:fs";
import process from "node:process";
import { type Browser, chromium } from "playwright-core";

const executablePath = ["/usr/bin/chromium", "/usr/bin/chromium-browser", "/usr/bin/google-chrome"].find(existsSync);

/** Why tests that need a browser are skipped here, if they are. */
export const noBrowser = executablePath === undefined && "no Chromium in /usr/bin; install your system's package";

if (noBrowser && process.env.CI) throw new Error(`CI tests in a real browser: ${noBrowser}`);

/** A Chromium without a window. Its sandbox needs rights that containers don't give; it only meets pages of the tests. */
export function launchBrowser(): Promise<Browser> {
  return chromium.launch({ executablePath: executablePath!, args: ["--no-sandbox"] });
}
