// node look.mjs CHROMIUM: one browser for as long as lines come, each view in a context of its own. Reads on each line
// [{"url", "width", "javascript"?, "steps"?, "axe"?, "image"?, "authenticator"?, "downloads"?}]; a step is a method of a
// page with its arguments, as ["fill", "#text", "{}"], or ["judge"], or ["see"] without axe. Writes on one line {"error"}, or {"seen"}: for each view
// what a browser found: axe's violations, how far the page runs to the side, requests, messages on the console.
import { readFileSync } from "node:fs";
import { createRequire } from "node:module";
import { createInterface } from "node:readline";
import { chromium } from "playwright-core";

const AXE = readFileSync(createRequire(import.meta.url).resolve("axe-core/axe.min.js"), "utf8");
const QUIET = [
  "--no-sandbox", "--disable-gpu", "--no-first-run", "--disable-background-networking", "--disable-component-update",
  "--disable-sync",
];
const browser = await chromium.launch({ executablePath: process.argv[2], args: QUIET });

async function look({ url, width, javascript = true, image = null, steps = [], axe = true, language = "zh-CN", full = false, authenticator = false, downloads = null }) {
  const context = await browser.newContext({
    viewport: { width, height: width < 500 ? 844 : width < 2000 ? 900 : 1440 },
    javaScriptEnabled: javascript, locale: language, reducedMotion: "reduce",
  });
  try {
    const page = await context.newPage();
    if (authenticator) await giveAuthenticator(await context.newCDPSession(page));
    const requests = [], messages = [];
    page.on("request", (request) => requests.push(request.url()));
    page.on("console", (message) => messages.push(message.text()));
    const saved = [];
    if (downloads) page.on("download", (file) => saved.push(file.saveAs(`${downloads}/${file.suggestedFilename()}`)));
    page.on("pageerror", (error) => messages.push(String(error)));
    await page.goto(url);
    const found = async (axe) => ({
      url, width, at: page.url(), styled: await topColour(page), sideways: await beyond(page), requests: [...requests],
      messages: [...messages], text: await page.innerText("main"), violations: axe ? await judge(page) : [],
    });
    const judged = [];
    for (const [method, ...rest] of steps) {
      if (method === "judge" || method === "see") judged.push(await found(method === "judge"));
      else await page[method](...rest);
    }
    await Promise.all(saved);
    if (image) await page.screenshot({ path: image, fullPage: full });
    return { judged, ...(await found(javascript && axe)) };
  } finally {
    await context.close();
  }
}

// A passkey of the platform that verifies its holder, as a laptop or phone has one.
async function giveAuthenticator(session) {
  await session.send("WebAuthn.enable");
  const options = { protocol: "ctap2", transport: "internal", hasResidentKey: true, hasUserVerification: true, isUserVerified: true };
  await session.send("WebAuthn.addVirtualAuthenticator", { options });
}

const beyond = (page) => page.evaluate(() => document.documentElement.scrollWidth - document.documentElement.clientWidth);

const topColour = (page) => page.locator(".top").evaluate((top) => getComputedStyle(top).backgroundColor);

async function judge(page) {
  await page.evaluate(AXE);  // by the debugger, which the page's own policy does not bind
  const result = await page.evaluate(() => window.axe.run(document, { resultTypes: ["violations"], preload: false }));
  return result.violations.map(({ id, impact, nodes }) => ({ id, impact, where: nodes.slice(0, 5).map((node) => `${node.target.join(" ")}: ${node.failureSummary}`) }));
}

for await (const line of createInterface({ input: process.stdin })) {
  const seen = [];
  let told = { seen };
  try {
    for (const view of JSON.parse(line)) seen.push(await look(view));
  } catch (error) {
    told = { error: String(error.stack) };
  }
  process.stdout.write(JSON.stringify(told) + "\n");
}
await browser.close();
