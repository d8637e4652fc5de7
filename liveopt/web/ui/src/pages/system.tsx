/** Whether it lives, how fresh it is, and whether the books balance. */

import { age, figure, fixed, fromNs, moment, words } from "../format";
import { Fact } from "../parts/ledger";
import { useGet } from "../parts/use";
import {
  clocks,
  gaps,
  hello,
  linkAge,
  marketAge,
  mode,
  newsAge,
  now,
  reconnects,
  seq,
  status,
  terms,
} from "../state/store";
import type { Check, RunReport, Status } from "../wire";

const AGAIN_MS = 2000;

export function SystemPage() {
  const { data, error } = useGet<RunReport>("/api/v1/run", AGAIN_MS);
  const said: Status = { ...data?.report, ...status.value };
  return (
    <>
      <h1 tabIndex={-1}>System</h1>
      {error && <p class="bad">Report: {error}</p>}
      <section class="panel">
        <h2>Clocks</h2>
        <dl class="facts wide">
          <Fact name="market: last tick" value={age(marketAge.value)} />
          <Fact name="engine: frame under way" value={age(clocks.value.said?.engine_age_ms)} />
          <Fact name="market's clock" value={moment(clocks.value.said?.market_ms)} />
          <Fact name="judged at the bar of" value={moment(clocks.value.said?.score_ms)} />
          <Fact name="engine's last news" value={age(newsAge.value)} />
          <Fact name="link: last frame" value={age(linkAge.value)} />
          <Fact name="frame" value={fixed(seq.value, 0)} />
          <Fact name="gaps healed" value={fixed(gaps.value, 0)} />
          <Fact name="reconnects" value={fixed(reconnects.value, 0)} />
        </dl>
      </section>
      <Markets of={said} />
      <Run of={said} />
      <Checks of={data?.guard?.checks ?? []} />
      <Counts title="Restarts, by part" of={said.restarts} none="Nothing crashed." />
      <Counts title="Variants stopped, by reason" of={said.stopped} none="None." />
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
              <th scope="col">last tick</th>
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
                <td>{moment(fromNs(one.at_ns))}</td>
                <td class="num">
                  {mode.value === "paper" && one.at_ns ? age(now.value - fromNs(one.at_ns)) : "–"}
                </td>
              </tr>
            ))}
          </tbody>
        </table>
      </div>
      <dl class="facts wide">
        {feeds.map(([topic, state]) => (
          <Fact key={topic} name={topic} value={figure(state)} />
        ))}
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
        <Fact name="phase" value={figure(of.phase)} />
        <Fact
          name="journal"
          value={of.journal_ok === undefined ? "–" : of.journal_ok ? "● writes" : "✗ FAILED"}
        />
        <Fact name="input" value={figure(of.seq)} />
        <Fact name="on disk" value={figure(of.durable_seq)} />
        <Fact name="records waiting" value={figure(of.backlog)} />
        <Fact name="memory" value={of.rss_mib === undefined ? "–" : `${fixed(of.rss_mib, 1)} MiB`} />
        <Fact name="standstills" value={figure(of.standstills)} />
        <Fact name="positions" value={figure(of.positions)} />
        <Fact name="entries" value={figure(of.entries)} />
        <Fact name="trades" value={figure(of.trades)} />
        <Fact name="promotions" value={figure(of.promotions)} />
        {Object.entries(of.variants ?? {}).map(([name, n]) => (
          <Fact key={name} name={`variants ${name}`} value={figure(n)} />
        ))}
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
            {one.ok ? "✓" : "✗"} {one.name}
            {one.why ? `: ${one.why}` : ""}
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
}: {
  title: string;
  of: Record<string, number> | undefined;
  none: string;
}) {
  const all = Object.entries(of ?? {});
  return (
    <section class="panel">
      <h2>{title}</h2>
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
