/** Verdicts and changes of champion, each with what it rested on then. */

import { evidence, figure, fixed, fromNs, probability, signed, words } from "../format";
import { TwoClocks, marketMoment } from "../parts/clocks";
import { Confirm } from "../parts/confirm";
import { Copy } from "../parts/copy";
import { Nobody } from "../parts/nobody";
import { Conditions, Fact } from "../parts/ledger";
import { useGet } from "../parts/use";
import { post } from "../state/api";
import { variantPath } from "../state/route";
import { narrow } from "../state/settings";
import { gateOf, symbols } from "../state/store";
import type { Condition, Ruling, RulingDetail } from "../wire";

const AGAIN_MS = 10_000;
const NAMES: Record<Ruling["kind"], string> = {
  verdict: "Verdict",
  promotion: "★ Promotion",
  demotion: "▼ Rolled back",
  warning: "▲ Warning",
  season_end: "Season over",
};

export function PromotionsPage({ id }: { id?: string }) {
  const { data, error, loading, again } = useGet<{ promotions: Ruling[] }>("/api/v1/promotions", AGAIN_MS);
  const all = [...(data?.promotions ?? [])].sort((a, b) => b.at_ns - a.at_ns);
  return (
    <>
      <h1 tabIndex={-1}>Promotions</h1>
      <TwoClocks />
      <div class="tools">
        {symbols.value.map((symbol) => (
          <Rollback key={symbol} symbol={symbol} done={again} />
        ))}
      </div>
      {error && <p class="bad">{error}</p>}
      {loading && <p class="muted">Loading…</p>}
      {data && !all.length && <Nobody />}
      <div class="split two">
        {narrow.value && id !== undefined && <Evidence id={id} />}
        <ol class="timeline" aria-label="verdicts and changes of champion, the newest first">
          {all.map((one) => (
            <li key={one.id} class={one.kind}>
              <a
                href={`/promotions/${encodeURIComponent(one.id)}`}
                aria-current={one.id === id ? "true" : undefined}
              >
                <strong>{NAMES[one.kind] ?? one.kind}</strong> {one.variant ?? one.champion ?? ""}
              </a>
              <div class="muted small">
                {marketMoment(fromNs(one.at_ns))}, {one.symbol}
              </div>
              <div>{line(one)}</div>
            </li>
          ))}
        </ol>
        {id !== undefined ? (
          !narrow.value && <Evidence id={id} />
        ) : (
          all.length > 0 && <p class="muted">Choose one: its evidence is shown as it was recorded then.</p>
        )}
      </div>
    </>
  );
}

function Rollback({ symbol, done }: { symbol: string; done: () => void }) {
  const gate = gateOf(symbol);
  const act = async (reason: string) => {
    await post("/api/optimizer/rollback", { body: { symbol, reason } });
    done();
    return `the predecessor is champion of ${symbol} again`;
  };
  return (
    <span>
      <Confirm
        name={`Roll back ${symbol}`}
        question={`Make ${gate?.predecessor ?? "the predecessor"} champion of ${symbol} again?`}
        off={gate !== null && !gate.predecessor}
        act={act}
      />{" "}
      {gate !== null && !gate.predecessor && (
        <span class="muted">{gate.champion} is the first champion: there is nobody to go back to.</span>
      )}
    </span>
  );
}

function line(one: Ruling): string {
  const parts = [];
  if (one.champion && one.variant)
    parts.push(`${one.kind === "verdict" ? "against" : "in place of"} ${one.champion}`);
  if (one.evidence !== null) parts.push(`evidence ${evidence(one.evidence)}`);
  if (one.n !== null) parts.push(`${figure(one.n)} evidence bars`);
  if (one.became) parts.push(words(one.became));
  if (one.earned === false) parts.push("NOT EARNED: no verdict held");
  if (one.stopped_by?.length) parts.push(`stopped by ${one.stopped_by.map(words).join(", ")}`);
  if (one.by) parts.push(`by ${one.by}`);
  if (one.why) parts.push(one.why);
  if (one.kind === "season_end") parts.push("the error of this season is spent");
  return parts.join("; ");
}

/** As it was recorded then; nothing here changes afterwards. */
function Evidence({ id }: { id: string }) {
  const { data, error, loading } = useGet<RulingDetail>(`/api/v1/promotions/${encodeURIComponent(id)}`);
  return (
    <section class="panel" aria-labelledby="evidence-title" data-testid="evidence">
      <h2 id="evidence-title">Frozen evidence of {id}</h2>
      {error && <p class="bad">{error}</p>}
      {loading && <p class="muted">Loading…</p>}
      {data && <One of={data} />}
      {data?.evidence_of && (
        <>
          <h3>The verdict behind it: {data.evidence_of.id}</h3>
          <One of={data.evidence_of} />
        </>
      )}
      {data?.recomputed && <Recounts of={data} />}
      <p>
        <Copy text={`liveopt promotions show ${id}`} />
      </p>
    </section>
  );
}

interface Frozen {
  log_evidence?: number;
  p_value?: number;
  edge?: number;
  low?: number | null;
  high?: number | null;
  count?: number;
  /** One standard deviation, as a log return of equity. */
  unit?: number;
}

interface RunnerUp {
  variant: string;
  log_evidence: number;
  trades: number;
  stopped_by: string[];
}

/** Which of the gate's two tracks let it pass. */
const TRACKS: Record<string, string> = {
  worlds: "the gate, by worlds without an edge",
  each: "the gate, by its evidence alone",
};

function exp(log: unknown): number {
  return typeof log === "number" ? Math.exp(log) : Number.NaN;
}

/** What a standard deviation is of equity, so that a person can tell whether it is worth having. */
function effect(own: Frozen): string {
  const [edge, low, high] = [own.edge, own.low, own.high].map((one) =>
    one == null || own.unit == null ? null : 100 * Math.expm1(one * own.unit),
  );
  return `${signed(edge, 3)} % [${signed(low, 3)}, ${signed(high, 3)}] of equity`;
}

function One({ of }: { of: RulingDetail }) {
  const { record } = of;
  const own = (record["evidence"] ?? null) as Frozen | number | null;
  const conditions = (record["conditions"] ?? []) as Condition[];
  const others = (record["runners_up"] ?? []) as RunnerUp[];
  return (
    <>
      <p>
        {of.variant && <a href={variantPath(of.variant)}>{of.variant}</a>} {line(of)}
      </p>
      {own !== null && typeof own === "object" && (
        <dl class="facts">
          <Fact
            name="evidence (a bet's gain)"
            value={
              record["track"] === "worlds"
                ? `${evidence(exp(own.log_evidence))} of ${evidence(exp(record["threshold"]))}`
                : evidence(exp(own.log_evidence))
            }
          />
          <Fact name="effect per evidence bar [95 % at any time]" value={effect(own)} />
          <Fact
            name="the same in standard deviations"
            value={`${fixed(own.edge, 4)} [${fixed(own.low, 4)}, ${fixed(own.high, 4)}]`}
          />
          <Fact name="adjusted p-value, valid at any time" value={probability(own.p_value)} />
          <Fact name="evidence bars" value={figure(own.count)} />
          <Fact name="comparisons counted" value={figure(record["admitted"])} />
          <Fact name="champion then (the baseline)" value={figure(record["champion"])} />
          <Fact name="decided by" value={TRACKS[String(record["track"])] ?? figure(record["track"])} />
          <Fact
            name="error allowed: alone, by the worlds"
            value={`${figure(record["alpha_each"])}, ${figure(record["alpha_worlds"])}`}
          />
          <Fact name="at" value={marketMoment(fromNs(of.at_ns))} />
        </dl>
      )}
      <Conditions of={conditions} />
      {of.kind === "verdict" && !others.length && <p class="muted">There was no runner-up.</p>}
      {others.length > 0 && (
        <table>
          <caption>Runners-up, and which condition stopped each</caption>
          <thead>
            <tr>
              <th scope="col">variant</th>
              <th scope="col" class="num">
                evidence
              </th>
              <th scope="col" class="num">
                trades
              </th>
              <th scope="col">stopped by</th>
            </tr>
          </thead>
          <tbody>
            {others.map((one) => (
              <tr key={one.variant}>
                <th scope="row">
                  <a href={variantPath(one.variant)}>{one.variant}</a>
                </th>
                <td class="num">{evidence(exp(one.log_evidence))}</td>
                <td class="num">{figure(one.trades)}</td>
                <td class="wrap">{one.stopped_by.map(words).join(", ") || "nothing: it came second"}</td>
              </tr>
            ))}
          </tbody>
        </table>
      )}
    </>
  );
}

function Recounts({ of }: { of: RulingDetail }) {
  return (
    <details>
      <summary>
        Computed once more:{" "}
        {of.agrees ? "● every figure follows from what was recorded" : "✗ a figure does not follow"}
      </summary>
      <table>
        <caption class="sr">Recorded and recomputed figures</caption>
        <thead>
          <tr>
            <th scope="col">figure</th>
            <th scope="col" class="num">
              recorded
            </th>
            <th scope="col" class="num">
              recomputed
            </th>
            <th scope="col">agrees</th>
          </tr>
        </thead>
        <tbody>
          {(of.recomputed ?? []).map((one) => (
            <tr key={one.name}>
              <th scope="row">{words(one.name)}</th>
              <td class="num wrap">{figure(one.recorded)}</td>
              <td class="num wrap">{figure(one.recomputed)}</td>
              <td>{one.agrees ? "● yes" : "✗ no"}</td>
            </tr>
          ))}
        </tbody>
      </table>
      {of.not_recomputed && of.not_recomputed.length > 0 && (
        <p class="muted">Not computed again: {of.not_recomputed.join(", ")}</p>
      )}
    </details>
  );
}
