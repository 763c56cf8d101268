import type { Page } from "playwright-core";
import { expect, test } from "vitest";
import { launchBrowser, noBrowser } from "../support/browser.ts";
import { freePort } from "../support/free-port.ts";
import { ServerProcess } from "../support/server-process.ts";
import { temporaryDirectory } from "../support/temporary-directory.ts";

test.skipIf(noBrowser)(
  "the shop of examples/orders: its people talk in real browsers, also across a crash",
  async () => {
    await using resources = new AsyncDisposableStack();
    const directory = resources.use(await temporaryDirectory());
    const [port, shopPort] = [await freePort(), await freePort()];
    const shop = `http://127.0.0.1:${shopPort}`;
    const env = {
      AUTH: "jwt",
      JWT_ISSUER: "https://shop.example.com",
      JWT_AUDIENCE: "roomlog",
      JWT_SECRET: "s".repeat(43),
      API_KEYS: "k".repeat(43),
    };
    const serverEnv = {
      ...env,
      DATABASE_URL: `file:${directory.path}/roomlog.db`,
      PORT: `${port}`,
      CORS_ORIGINS: shop,
    };
    const server = resources.use(new ServerProcess(serverEnv));
    const program = ["examples/orders/server.ts"];
    const backend = resources.use(
      new ServerProcess({ ...env, ROOMLOG: `http://127.0.0.1:${port}`, PORT: `${shopPort}` }, program),
    );
    await Promise.all([server.listening(), backend.line((line) => line === `orders on ${shop}`)]);

    const browser = await launchBrowser();
    resources.defer(() => browser.close());
    const faults: string[] = [];
    const signIn = async (name: string): Promise<Page> => {
      const page = await (await browser.newContext()).newPage();
      page.on("pageerror", (error) => faults.push(`${name}: ${error.stack}`));
      await page.goto(shop);
      await page.fill("#name", name);
      await page.fill("#password", name.toLowerCase());
      await page.click("#login button");
      await page.waitForSelector("#order");
      return page;
    };
    const see = (page: Page, text: string) => page.locator("main", { hasText: text }).waitFor();
    const say = async (page: Page, text: string) => {
      await page.fill("#text", text);
      await page.press("#text", "Enter");
    };

    const [ann, sue, ben] = [await signIn("Ann"), await signIn("Sue"), await signIn("Ben")];
    await ann.click("#order");
    for (const page of [ann, sue]) {
      await see(page, "Lamp for Ann");
      await see(page, "Ann has ordered: Lamp");
    }
    await ann.click("#rooms a");
    await say(ann, "When will it come, @Sue?");
    await see(ann, "Ann: When will it come, @Sue?");
    await sue.locator("#rooms b", { hasText: "@" }).waitFor();

    await sue.click("#rooms a");
    await see(sue, "Ann: When will it come, @Sue?");
    await see(ann, "Here: Ann, Sue");
    await sue.locator("#rooms b", { hasText: /^$/ }).waitFor({ state: "attached" });
    await sue.click("#log button >> nth=0");
    await see(ann, "👍 1");
    await sue.locator("#text").pressSequentially("To", { delay: 50 });
    await see(ann, "Sue is typing …");
    expect(await sue.locator("#typing").textContent(), "to herself").toBe("");
    await ann.locator("#typing", { hasText: /^$/ }).waitFor({ state: "attached" });
    const mails = await sue.evaluate(async () => (await fetch("/mails")).json());
    expect(mails).toEqual([{ to: "Sue", text: "When will it come, @Sue?" }]);

    await server.kill("SIGKILL");
    const restarted = resources.use(new ServerProcess(serverEnv));
    await restarted.listening();
    await say(sue, "Tomorrow");
    await see(ann, "Sue: Tomorrow");
    await see(ann, "When will it come, @Sue?");

    expect(await ben.locator("#rooms li").count()).toBe(0);
    expect(faults).toEqual([]);
  },
);
