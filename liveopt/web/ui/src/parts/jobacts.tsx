/** What can be done to a search: end it, or go on with one that was interrupted. */

import { post, remove } from "../state/api";
import { writable } from "../state/store";
import type { Job } from "../wire";
import { Ask } from "./ask";
import { OPEN } from "./progress";
import { useAct } from "./use";

/** What stopped halfway and kept what it had. */
const RESUMED = ["interrupted", "failed", "cancelled"];
/** Studies of a round are named after it; the run begins and ends them, and its page has them. */
export const OF_A_ROUND = /^round_/;

export function JobActs({ of, done }: { of: Job; done: () => void }) {
  const { busy, said, act } = useAct();
  const id = encodeURIComponent(of.id);
  const own = OF_A_ROUND.test(of.id);
  const resume = () =>
    act(async () => {
      await post(`/api/v1/optimize/resume/${id}`);
      done();
      return "resumed";
    });
  const cancel = async () => {
    await remove(`/api/v1/optimize/cancel/${id}`);
    done();
    return "cancelled";
  };
  return (
    <span class="acts">
      {OPEN.includes(of.status) && !own && <Ask name="Cancel" question={`Cancel ${of.id}?`} act={cancel} />}
      {RESUMED.includes(of.status) && !own && (
        <button
          type="button"
          disabled={busy || !writable.value}
          onClick={resume}
          aria-label={`Resume ${of.id}`}
        >
          Resume
        </button>
      )}
      <span role="status">{said}</span>
    </span>
  );
}
