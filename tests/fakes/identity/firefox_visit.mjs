// Opens an address in Firefox, signs in at the pages of oidc-provider, and prints where that led.
import puppeteer from "puppeteer-core";

const [executable, address, login] = process.argv.slice(2);
const browser = await puppeteer.launch({ browser: "firefox", executablePath: executable });
try {
  const page = await browser.newPage();
  await page.goto(address);
  const press = async (button) => {
    await Promise.all([page.waitForNavigation(), page.click(`::-p-aria(${button}[role="button"])`)]);
  };
  await page.type("[placeholder='Enter any login']", login);
  await page.type("[placeholder='and password']", "x");
  await press("Sign-in");
  await press("Continue");
  const text = await page.$eval("body", (body) => body.innerText);
  // What a script of the page could read of the pass: nothing.
  const readable = await page.evaluate(() => document.cookie);
  console.log(JSON.stringify({ url: page.url(), text, readable }));
} finally {
  await browser.close();
}
