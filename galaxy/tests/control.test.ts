import { afterEach, beforeEach, expect, test, vi } from "vitest";

interface Sent {
  token: string | null;
  body: string;
}

const RUN = { run_id: 3, began_unix_ms: 1 };

const sent: Sent[] = [];
let answers: Response[] = [];

beforeEach(() => {
  sent.length = 0;
  vi.resetModules();
  vi.stubGlobal("document", { baseURI: "http://127.0.0.1:8787/" });
  vi.stubGlobal("fetch", async (_: URL, init: RequestInit) => {
    sent.push({
      token: new Headers(init.headers).get("x-phantom-control"),
      body: String(init.body),
    });
    return answers.shift() ?? Response.error();
  });
});

afterEach(() => vi.unstubAllGlobals());

const json = (body: unknown, status = 200): Response => Response.json(body, { status });

test("a token that was right is asked for once", async () => {
  const { control, hasToken } = await import("../src/control");
  answers = [json({ done: true }), json({ done: true })];
  expect(hasToken()).toBe(false);
  expect((await control("halt", RUN, "secret")).done).toBe(true);
  expect(hasToken()).toBe(true);
  await control("resume", RUN, null);
  expect(sent).toEqual([
    { token: "secret", body: '{"action":"halt","run_id":3,"began_unix_ms":1}' },
    { token: "secret", body: '{"action":"resume","run_id":3,"began_unix_ms":1}' },
  ]);
});

test("a wrong token is told in the server's words, and asked for again", async () => {
  const { control, hasToken } = await import("../src/control");
  answers = [json({ error: "the control token is missing or wrong" }, 403)];
  expect(await control("stop", RUN, "guess")).toEqual({
    done: false,
    words: "Not done. The control token is missing or wrong.",
  });
  expect(hasToken()).toBe(false);
});

test("what the run cannot do leaves a right token as it was", async () => {
  const { control, hasToken } = await import("../src/control");
  answers = [json({ done: true }), json({ error: "the run is away, nobody is there to do it" }, 503)];
  await control("halt", RUN, "secret");
  expect((await control("resume", RUN, null)).words).toBe("Not done. The run is away, nobody is there to do it.");
  expect(hasToken()).toBe(true);
});

test("without a token nothing is sent", async () => {
  const { control } = await import("../src/control");
  expect((await control("halt", RUN, null)).done).toBe(false);
  expect(sent).toEqual([]);
});
