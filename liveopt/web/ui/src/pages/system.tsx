/** Whether it is well, part by part; then how fresh everything is, and whether the books balance. */

import { NONE, age, figure, fixed, fromNs, words } from "../format";
import { TwoClocks, marketMoment, marketName } from "../parts/clocks";
import { Health, checked } from "../parts/health";
import { Fact } from "../parts/ledger";
import { useGet } from "../parts/use";
import {
  apart,
  clocks,
  engineAge,
  gaps,
  hello,
  linkAge,
  marketAge,
  mode,
  newsAge,
  reconnects,
  seq,
  status,
  terms,
} from "../state/store";
import type { Check, RunReport, Status } from "../wire";

const AGAIN_MS = 2000;
/** What the engine's counters count: they begin anew with each. */
const SINCE = "since the engine's last start";

export function SystemPage() {
  const { data, error } = useGet<RunReport>("/api/v1/run", AGAIN_MS);
  const said: Status = { ...data?.report, ...status.value };
  return (
    <>
      <h1 tabIndex={-1}>System</h1>
      {error && <p class="bad">Report: {error}</p>}
      <Health data={data} said={said} />
      <Markets of={said} />
      <Stops of={said} />
      <Run of={said} />
      <Counts
        title={`Parts of the engine that failed and began again, ${SINCE}`}
        of={said.restarts}
        none="None. How often the engine itself was started is above."
      />
      <Checks of={data?.guard?.checks ?? []} />
      <Ages />
      <section class="panel">
        <h2>Version</h2>
        <dl class="facts wide">
          <Fact name="liveopt" value={hello.value?.version ?? "–"} />
          <Fact name="settings" value={hello.value?.config_hash ?? "–"} />
          <Fact name="mode" value={mode.value} />
          <Fact name="everybody began with" value={terms.value ? fixed(terms.value.capital) : "not said yet"} />
          <Fact
            name="signal bars a year"
            value={terms.value ? fixed(terms.value.bars_per_year, 0) : "not said yet"}
          />
          <Fact name="boot" value={hello.value?.boot_id ?? "–"} />
        </dl>
      </section>
      <Service of={data?.web ?? {}} />
    </>
  );
}

function Ages() {
  return (
    <section class="panel">
      <h2>Clocks</h2>
      <TwoClocks />
      <dl class="facts wide">
        <Fact name="market: last tick" value={age(marketAge.value)} />
        <Fact name="engine: newest frame" value={age(engineAge.value)} />
        <Fact name="of that, under way" value={age(clocks.value.said?.engine_age_ms)} />
        <Fact name="market's clock" value={marketMoment(clocks.value.said?.market_ms ?? 0)} />
        <Fact name="judged at the bar of" value={marketMoment(clocks.value.said?.score_ms ?? 0)} />
        <Fact name="engine's last news" value={age(newsAge.value)} />
        <Fact name="link: last frame" value={age(linkAge.value)} />
        <Fact name="frame" value={fixed(seq.value, 0)} />
        <Fact name="gaps healed" value={fixed(gaps.value, 0)} />
        <Fact name="reconnects" value={fixed(reconnects.value, 0)} />
      </dl>
    </section>
  );
}

/** How old the newest tick of a symbol is: so far behind the newest of all, whose age the service knows. */
function tickAge(at_ns: number): string {
  const market = clocks.value.said?.market_ms;
  if (!at_ns || !market || marketAge.value === null) return NONE;
  const behind = market - fromNs(at_ns);
  // a market with a clock of its own may run at a pace of its own
  return apart.value && behind >= 1000 ? `${age(behind)} behind` : age(behind + marketAge.value);
}

function Stops({ of }: { of: Status }) {
  const counted = Object.values(of.stopped ?? {}).reduce((sum, n) => sum + n, 0);
  const standing = of.variants?.["stopped"];
  const before = (standing ?? 0) - counted;
  return (
    <Counts
      title="Variants stopped, by reason"
      of={{
        ...of.stopped,
        ...(before > 0 ? { "before the engine's last start": before } : {}),
        ...(before < 0 && standing !== undefined ? { "of these, gone since": -before } : {}),
      }}
      none="None."
      note={`${SINCE}; ${figure(standing ?? 0)} stand stopped now`}
    />
  );
}

function Markets({ of }: { of: Status }) {
  const entries = Object.entries(of.markets ?? {});
  const feeds = Object.entries(of.feed ?? {});
  return (
    <section class="panel">
      <h2>Market and feed</h2>
      <div class="scroll" tabIndex={0} role="region" aria-label="markets">
        <table>
          <caption class="sr">Markets</caption>
          <thead>
            <tr>
              <th scope="col">symbol</th>
              <th scope="col" class="num">
                price
              </th>
              <th scope="col" class="num">
                signal bars
              </th>
              <th scope="col">{marketName("last tick")}</th>
              <th scope="col" class="num">
                age
              </th>
            </tr>
          </thead>
          <tbody>
            {entries.map(([symbol, one]) => (
              <tr key={symbol}>
                <th scope="row">{symbol}</th>
                <td class="num">{figure(one.price)}</td>
                <td class="num">{figure(one.bars)}</td>
                <td>{marketMoment(fromNs(one.at_ns))}</td>
                <td class="num">{tickAge(one.at_ns)}</td>
              </tr>
            ))}
          </tbody>
        </table>
      </div>
      <dl class="facts wide">
        {feeds.map(([topic, state]) => (
          <Fact key={topic} name={topic} value={figure(state)} />
        ))}
      </dl>
      <h3>Counted {SINCE}</h3>
      <dl class="facts wide">
        <Fact name="ticks" value={figure(of.ticks)} />
        <Fact name="late ticks" value={figure(of.late_ticks)} />
        <Fact name="holes in the feed" value={figure(of.holes)} />
      </dl>
    </section>
  );
}

function Run({ of }: { of: Status }) {
  return (
    <section class="panel">
      <h2>Run and journal</h2>
      <dl class="facts wide">
        <Fact name="run" value={figure(of.run)} />
        <Fact name="the engine is" value={figure(of.phase)} />
        <Fact
          name="journal"
          value={of.journal_ok === undefined ? "–" : of.journal_ok ? "● is written" : "✗ CANNOT BE WRITTEN"}
        />
        <Fact name="inputs taken" value={figure(of.seq)} />
        <Fact name="inputs on disk" value={figure(of.durable_seq)} />
        <Fact name="records waiting for the disk" value={figure(of.backlog)} />
        <Fact name="memory" value={of.rss_mib === undefined ? "–" : `${fixed(of.rss_mib, 1)} MiB`} />
        <Fact name="positions open now" value={figure(of.positions)} />
        {Object.entries(of.variants ?? {}).map(([name, n]) => (
          <Fact key={name} name={`variants ${name} now`} value={figure(n)} />
        ))}
      </dl>
      <h3>Counted {SINCE}</h3>
      <dl class="facts wide">
        <Fact name="entries" value={figure(of.entries)} />
        <Fact name="trades" value={figure(of.trades)} />
        <Fact name="promotions" value={figure(of.promotions)} />
        <Fact name="standstills" value={figure(of.standstills)} />
      </dl>
    </section>
  );
}

function Checks({ of }: { of: Check[] }) {
  if (!of.length) return null;
  return (
    <section class="panel">
      <h2>Checks</h2>
      <ul class="checks">
        {of.map((one) => (
          <li key={one.name}>
            {one.ok ? "✓" : "✗"} {checked(one)}
          </li>
        ))}
      </ul>
    </section>
  );
}

function Counts({
  title,
  of,
  none,
  note = "",
}: {
  title: string;
  note?: string;
  of: Record<string, number> | undefined;
  none: string;
}) {
  const all = Object.entries(of ?? {});
  return (
    <section class="panel">
      <h2>{title}</h2>
      {note && <p class="muted">{note}</p>}
      {all.length ? (
        <dl class="facts wide">
          {all.map(([name, n]) => (
            <Fact key={name} name={words(name)} value={figure(n)} />
          ))}
        </dl>
      ) : (
        <p class="muted">{none}</p>
      )}
    </section>
  );
}

/** This page's own service. */
function Service({ of }: { of: Record<string, unknown> }) {
  return (
    <section class="panel">
      <h2>Dashboard service</h2>
      <dl class="facts wide">
        {Object.entries(of).map(([name, value]) => (
          <Fact key={name} {...measured(name, value)} />
        ))}
      </dl>
    </section>
  );
}

/** A unit at the end of a name belongs behind the figure. */
function measured(name: string, value: unknown): { name: string; value: string } {
  for (const [ending, unit] of [
    ["_ms", "ms"],
    ["_mib", "MiB"],
    ["_s", "s"],
  ] as const)
    if (name.endsWith(ending) && typeof value === "number")
      return { name: words(name.slice(0, -ending.length)), value: `${figure(value)} ${unit}` };
  return { name: words(name), value: value === "" ? "none" : figure(value) };
}
