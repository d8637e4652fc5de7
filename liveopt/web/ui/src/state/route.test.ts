import { beforeAll, describe, expect, test, vi } from "vitest";

let pageOf: typeof import("./route").pageOf;

beforeAll(async () => {
  vi.stubGlobal("location", { pathname: "/", search: "" });
  ({ pageOf } = await import("./route"));
});

describe("addresses", () => {
  test("each page has its own", () => {
    const names = ["/", "/compare", "/promotions", "/trades", "/jobs", "/system", "/alerts", "/settings"];
    expect(names.map((path) => pageOf(path).name)).toEqual([
      "live",
      ...names.slice(1).map((path) => path.slice(1)),
    ]);
  });

  test("names in them may hold anything", () => {
    expect(pageOf("/v/a%2Fb%20c")).toEqual({ name: "variant", id: "a/b c" });
    expect(pageOf("/promotions/XBTUSDTM-1-2")).toEqual({ name: "promotion", id: "XBTUSDTM-1-2" });
    expect(pageOf("/jobs/opt_1/validation")).toEqual({ name: "validation", id: "opt_1" });
    expect(pageOf("/rounds/12")).toEqual({ name: "round", id: "12" });
    expect(pageOf("/v/%zz")).toEqual({ name: "variant", id: "%zz" });
  });

  test("what is none of them is said to be lost", () => {
    for (const path of ["/nowhere", "/v/a/b", "/system/x", "/rounds", "/rounds/x", "/jobs/a/b"]) expect(pageOf(path).name).toBe("lost");
  });
});
