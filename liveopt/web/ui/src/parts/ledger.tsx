/** What stands between a variant and promotion, as the engine explains it. */

import { figure, fixed, probability, words } from "../format";
import { conditionOf, plain } from "../state/conditions";
import { takes, whySoMuch } from "../state/gate";
import { gateOf } from "../state/store";
import type { Explanation } from "../wire";

/** `brief`: the sentence alone. */
export function Explained({ said, brief = false }: { said: Explanation; brief?: boolean }) {
  const why = brief ? "" : whySoMuch(said, gateOf(said.symbol ?? ""));
  return (
    <div>
      <p>{plain(said.text)}</p>
      {!brief && said.trades_needed != null && (
        <dl class="facts">
          {said.evidence != null && <Fact name="evidence" value={takes(said).replace("evidence ", "")} />}
          <Fact name="trades" value={`${figure(said.trades)} of ${figure(said.trades_needed)}`} />
          <Fact name="confidence, all compared counted" value={probability(said.confidence)} />
          <Fact
            name="edge per evidence bar, in standard deviations"
            value={`${fixed(said.edge, 4)} [${fixed(said.low, 4)}, ${fixed(said.high, 4)}]`}
          />
          {said.rank != null && (
            <Fact name="rank by evidence" value={`${said.rank} of ${figure(said.ranked)}`} />
          )}
          {said.bars_to_go != null && (
            <Fact name="signal bars to go, at this rate" value={figure(Math.ceil(said.bars_to_go))} />
          )}
        </dl>
      )}
      {why && <p class="muted small">{why}</p>}
      {!brief && <Conditions of={said.conditions ?? []} />}
    </div>
  );
}

export function Fact({ name, value }: { name: string; value: string }) {
  return (
    <div>
      <dt>{name}</dt>
      <dd>{value}</dd>
    </div>
  );
}

export function Conditions({
  of,
}: {
  of: { code: string; has: number | null; needs: number; ok: boolean }[];
}) {
  if (!of.length) return null;
  return (
    <table>
      <caption>Conditions</caption>
      <thead>
        <tr>
          <th scope="col">condition</th>
          <th scope="col" class="num">
            has
          </th>
          <th scope="col" class="num">
            needs
          </th>
          <th scope="col">holds</th>
        </tr>
      </thead>
      <tbody>
        {of.map((one) => (
          <tr key={one.code}>
            <th scope="row">{conditionOf(one.code).name}</th>
            <td class="num">{short(one.has)}</td>
            <td class="num">
              {conditionOf(one.code).sign} {short(one.needs)}
            </td>
            <td class="tick">{one.ok ? "● yes" : "○ no"}</td>
          </tr>
        ))}
      </tbody>
    </table>
  );
}

/** Four digits are as many as anybody compares. */
export function short(value: number | null | undefined): string {
  return value == null || Number.isInteger(value) ? figure(value) : figure(Number(value.toPrecision(4)));
}

/** Parameters, with those of the champion beside them where they differ. */
export function Parameters({
  own,
  other,
}: {
  own: Record<string, number | string>;
  other: Record<string, number | string> | null;
}) {
  const names = [...new Set([...Object.keys(own), ...Object.keys(other ?? {})])].sort();
  return (
    <table>
      <caption>Parameters{other ? " and what the champion has instead" : ""}</caption>
      <thead>
        <tr>
          <th scope="col">name</th>
          <th scope="col" class="num">
            value
          </th>
          {other && (
            <th scope="col" class="num">
              champion
            </th>
          )}
        </tr>
      </thead>
      <tbody>
        {names.map((name) => {
          const differs = other !== null && own[name] !== other[name];
          return (
            <tr key={name}>
              <th scope="row">{words(name)}</th>
              <td class="num">{parameter(own[name])}</td>
              {other && (
                <td class={`num ${differs ? "differs" : "muted"}`}>
                  {differs ? parameter(other[name]) : "same"}
                </td>
              )}
            </tr>
          );
        })}
      </tbody>
    </table>
  );
}

/** As short as it can be told apart; the export has every digit. */
export function parameter(value: number | string | undefined): string {
  return typeof value === "number" ? short(value) : figure(value);
}
