/** A variant as files for a spreadsheet or a program. */

import { count } from "../format";
import { get } from "../state/api";
import { asJson, csv, download, fileName } from "../state/export";
import { hello, status } from "../state/store";
import type { Trade, VariantDetail } from "../wire";
import { useAct } from "./use";

const PAGE = 1000;
/** More than that is the journals' business. */
const MOST = 50_000;

interface Answer {
  trades: Trade[];
  next: string | null;
}

export function Exports({ id, detail }: { id: string; detail: VariantDetail }) {
  const { busy, said, act } = useAct();
  const trades = () =>
    act(async () => {
      const found = await allTrades(id);
      download(fileName(id, "csv"), "text/csv;charset=utf-8", csv(found));
      const whole = found.length < MOST ? "" : "; there may be more: liveopt journal export has all";
      return `${count(found.length, "trade")} saved${whole}`;
    });
  const variant = () =>
    act(async () => {
      const made = { run: status.value.run ?? "", version: hello.value?.version ?? "", at: new Date() };
      download(fileName(id, "json"), "application/json", asJson(detail, made));
      return "Saved";
    });
  return (
    <>
      <button type="button" disabled={busy} onClick={trades} aria-label="Export CSV of the trades">
        Export CSV
      </button>
      <button type="button" disabled={busy} onClick={variant} aria-label="Export JSON of the variant">
        Export JSON
      </button>
      <span role="status">{said}</span>
    </>
  );
}

/** The oldest first. */
async function allTrades(id: string): Promise<Trade[]> {
  const found: Trade[] = [];
  let before: string | null = null;
  do {
    const asked = new URLSearchParams({ limit: String(PAGE), variant: id });
    if (before !== null) asked.set("before", before);
    const answer: Answer = await get<Answer>(`/api/v1/trades?${asked}`);
    found.push(...answer.trades.filter((one) => one.variant === id));
    before = answer.next;
  } while (before !== null && found.length < MOST);
  return found.reverse();
}
