/** Why nobody was promoted yet: who leads, what that one lacks, how far the season is, how long it may take. */

import { age, count, evidence, figure } from "../format";
import { conditionOf, plain } from "../state/conditions";
import { takes, whySoMuch } from "../state/gate";
import { variantPath } from "../state/route";
import { status, terms } from "../state/store";
import type { Explanation, Gate, VariantDetail } from "../wire";
import { Fact, short } from "./ledger";
import { useGet } from "./use";

const AGAIN_MS = 10_000;
const YEAR_MS = 365 * 86_400_000;

export function Nobody() {
  const { gate, eligible_reason: why } = status.value;
  const contests = Object.entries(gate ?? {});
  const led = contests.length > 0 && contests.every(([, one]) => one?.leaders.length);
  return (
    <section class="panel" aria-labelledby="nobody-title" data-testid="nobody">
      <h2 id="nobody-title">No verdict yet: why nobody?</h2>
      {why && !led && <p>{plain(why)}</p>}
      {contests.map(([symbol, one]) =>
        one ? (
          <Contest key={symbol} symbol={symbol} of={one} />
        ) : (
          <p key={symbol} class="muted">
            {symbol}: this run has no gate, so nobody is promoted by it.
          </p>
        ),
      )}
      {gate && !contests.length && <p class="muted">No contest goes on.</p>}
    </section>
  );
}

function Contest({ symbol, of }: { symbol: string; of: Gate & { season?: number } }) {
  const leader = of.leaders[0];
  const path = leader ? `/api/v1/variants/${encodeURIComponent(leader.variant)}` : null;
  const { data } = useGet<VariantDetail>(path, AGAIN_MS);
  const said = data?.explain ?? null;
  const over = of.season !== undefined && of.bar > of.season;
  return (
    <div>
      <h3>
        {symbol}: {of.champion} is champion
      </h3>
      {leader ? (
        <p>
          <a href={variantPath(leader.variant)}>{leader.variant}</a> leads with evidence{" "}
          {evidence(leader.evidence)} and {count(leader.trades, "trade")}.
        </p>
      ) : (
        <p class="muted">Nobody leads: nobody has evidence of being better than {of.champion} yet.</p>
      )}
      {leader && <Lacks said={said} stopped={leader.stopped_by} />}
      {said && whySoMuch(said, of) && <p class="muted small">{whySoMuch(said, of)}</p>}
      <dl class="facts wide">
        {said?.bars_to_go != null && <Fact name="how long, at this rate" value={long(said.bars_to_go)} />}
        <Fact name="compared with the champion" value={figure(of.variants)} />
        <Fact name="verdict promotes" value={of.auto ? "by itself" : "when somebody says so"} />
      </dl>
      {of.season !== undefined && (
        <p class="progress">
          <progress
            value={Math.min(of.bar, of.season)}
            max={of.season}
            aria-label={`bars of the season of ${symbol}`}
          />{" "}
          {over
            ? `the season of ${figure(of.season)} evidence bars is over`
            : `${figure(of.bar)} of ${figure(of.season)} evidence bars of this season`}
        </p>
      )}
    </div>
  );
}

/** What does not hold, with what there is and what it takes; the codes where the engine does not answer. */
function Lacks({ said, stopped }: { said: Explanation | null; stopped: string[] }) {
  const open = (said?.conditions ?? []).filter((one) => !one.ok);
  const wanted = said && said.evidence != null && !said.verdict ? [takes(said)] : [];
  const conditions = open.length
    ? open.map((one) => {
        const { name, sign } = conditionOf(one.code);
        return `${name}: ${short(one.has)}, needs ${sign} ${short(one.needs)}`;
      })
    : stopped.map((code) => conditionOf(code).name);
  const listed = [...wanted, ...conditions];
  if (!listed.length) return said?.text ? <p>{plain(said.text)}</p> : null;
  return (
    <>
      <p>It lacks:</p>
      <ul class="lacks">
        {listed.map((text) => (
          <li key={text}>○ {text}</li>
        ))}
      </ul>
    </>
  );
}

/** "about 120 signal bars (2 h of the market)" */
function long(bars: number): string {
  const year = terms.value?.bars_per_year;
  const time = year ? ` (${age((bars * YEAR_MS) / year)} of the market)` : "";
  return `about ${figure(Math.ceil(bars))} signal bars${time}`;
}
