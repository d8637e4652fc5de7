/** Searches beside the run: how far the one under way is, and what the others brought. */

import { count, figure } from "../format";
import { freshKey, post } from "../state/api";
import { phase, status, writable } from "../state/store";
import type { RoundLine, Rounds, Search } from "../wire";
import { useAct, useGet } from "./use";

const AGAIN_MS = 5000;
const GOING = ["searching", "proposing"];
const SHOWN = 30;
const REASONS: Record<string, string> = {
  every: "its time had come",
  regime: "the market changed",
  asked: "somebody asked",
  "left open": "an end of the run had left it open",
};

export function whyOf(why: string | null, by = ""): string {
  if (why === "asked" && by) return `${by} asked`;
  return why ? (REASONS[why] ?? why) : "not said";
}

export function RoundsSection() {
  const path = `/api/v1/rounds?limit=${SHOWN}`;
  const { data, error, again } = useGet<Rounds>(path, AGAIN_MS);
  const search = status.value.search ?? null;
  return (
    <section class="panel" aria-labelledby="rounds-title" data-testid="rounds">
      <div class="tools">
        <h2 id="rounds-title">Searches beside the run</h2>
        <SearchNow search={search} done={again} />
      </div>
      {search && <Going of={search} />}
      {phase.value === "open" && search === null && (
        <p class="muted">This run searches for nothing by itself (reoptimize is off in its settings).</p>
      )}
      {error && <p class="muted">Rounds: {error}</p>}
      {data && !data.rounds.length && <p class="muted">No round yet.</p>}
      {data && data.rounds.length > 0 && (
        <div class="scroll short" tabIndex={0} role="region" aria-label="rounds of search">
          <List of={data} />
        </div>
      )}
    </section>
  );
}

function SearchNow({ search, done }: { search: Search | null; done: () => void }) {
  const { busy, said, act } = useAct();
  const going = search !== null && GOING.includes(search.phase);
  const begin = () =>
    act(async () => {
      const answer = await post<{ number: number; began: boolean }>("/api/v1/rounds", { key: freshKey() });
      done();
      return answer.began ? `Round ${answer.number} begins` : `Round ${answer.number} goes on already`;
    });
  return (
    <>
      <button
        type="button"
        class="primary"
        disabled={busy || going || search === null || !writable.value}
        onClick={begin}
      >
        Search now
      </button>
      <span role="status">{said}</span>
    </>
  );
}

/** As the engine tells it, live. */
function Going({ of }: { of: Search }) {
  if (!of.number) return null;
  const going = GOING.includes(of.phase);
  return (
    <p>
      <a href={`/rounds/${of.number}`}>Round {of.number}</a> <span class="muted">({whyOf(of.why)})</span>{" "}
      {going ? `is ${of.phase}` : of.phase}
      {going && of.wanted > 0 && (
        <span class="progress">
          {" "}
          <progress value={of.done} max={of.wanted} aria-label={`progress of round ${of.number}`} />{" "}
          {figure(of.done)} of {figure(of.wanted)} trials
        </span>
      )}
      {of.proposed > 0 && `; ${figure(of.proposed)} proposed, ${figure(of.admitted)} joined`}
      {of.deaths > 0 && `; its process died ${count(of.deaths, "time")}`}
      {of.trouble && <span class="bad"> {of.trouble}</span>}
    </p>
  );
}

export function became(one: RoundLine): string {
  const { outcome, phase } = one;
  if (!outcome) return GOING.includes(phase) ? phase : "under way, or left open by an end of the run";
  if (outcome.phase === "given up")
    return `GIVEN UP: ${outcome.trouble || `its process died ${count(outcome.deaths ?? 0, "time")}`}`;
  if (outcome.phase === "unreadable") return "cannot be read";
  return `${figure(outcome.admitted ?? 0)} joined, ${figure(outcome.replaced ?? 0)} replaced`;
}

function List({ of }: { of: Rounds }) {
  return (
    <table>
      <caption class="sr">
        Rounds, the newest first; {of.rounds.length} of {of.total}
      </caption>
      <thead>
        <tr>
          <th scope="col">Round</th>
          <th scope="col" class="less">
            Why
          </th>
          <th scope="col" class="less">
            Symbol
          </th>
          <th scope="col" class="num less">
            Bars
          </th>
          <th scope="col" class="num">
            Trials so far
          </th>
          <th scope="col" class="num">
            Tested
          </th>
          <th scope="col" class="num">
            Proposed
          </th>
          <th scope="col">Became</th>
        </tr>
      </thead>
      <tbody>
        {of.rounds.map((one) => (
          <tr key={one.number}>
            <th scope="row">
              <a href={`/rounds/${one.number}`}>{one.number}</a>
            </th>
            <td class="less">{whyOf(one.why, one.by)}</td>
            <td class="less">{one.symbols?.map((symbol) => symbol.symbol).join(", ")}</td>
            <td class="num less">{one.symbols?.map((symbol) => figure(symbol.bars)).join(", ")}</td>
            <td class="num">{one.symbols?.map((symbol) => figure(symbol.trials)).join(", ")}</td>
            <td class="num">{one.symbols?.map((symbol) => figure(symbol.tested)).join(", ")}</td>
            <td class="num">{one.symbols?.map((symbol) => figure(symbol.proposed)).join(", ")}</td>
            <td>
              {became(one)}
              {one.symbols?.map(
                (symbol) =>
                  symbol.skipped && (
                    <small key={symbol.symbol}>
                      {" "}
                      {symbol.symbol} not searched: {symbol.skipped}
                    </small>
                  ),
              )}
            </td>
          </tr>
        ))}
      </tbody>
    </table>
  );
}
