// What a block of rows of correlations says of the strategies that they are: `kernels.scan_rows`
// for whole rows, both sides of the diagonal, so that no columns need to be looked at.
// A block of threads takes a row; each keeps its own largest, and the first puts them together,
// of equals the strategy that comes first. A C compiler takes it too, for a check without a GPU.
extern __shared__ double shared[];
#define TOP_MOST 5

#ifdef __cplusplus
extern "C"
#endif
__global__ void scan(
    const double *tile, long long width, long long row0, double threshold, int top, int bins,
    double *sums, double *best, int *partner, unsigned long long *counts)
{
    const long long block = blockIdx.x;
    const int lane = threadIdx.x, lanes = blockDim.x;
    // shared: three sums and TOP_MOST values of each thread, then partners, then a histogram
    double *values = shared + 3 * lanes;
    int *names = (int *)(values + TOP_MOST * lanes);
    unsigned int *pairs = (unsigned int *)(names + TOP_MOST * lanes);
    double *mine = values + TOP_MOST * lane;
    int *whom = names + TOP_MOST * lane;
    const double *row = tile + block * width;
    long long me = row0 + block;
    double total = 0.0, size = 0.0, reached = 0.0;
    for (int k = 0; k < TOP_MOST; k++) { mine[k] = -2.0; whom[k] = -1; }
    for (int k = lane; k < bins; k += lanes) pairs[k] = 0;
    __syncthreads();
    for (long long j = lane; j < width; j += lanes) {
        double r = row[j];
        if (j == me) continue;
        total = total + r;
        size = size + (r < 0.0 ? -r : r);
        if (r >= threshold || -r >= threshold) reached = reached + 1.0;
        if (j > me) {
            int at = (int)((r + 1.0) * (bins / 2.0));
            atomicAdd(&pairs[at < 0 ? 0 : at >= bins ? bins - 1 : at], 1u);
        }
        if (r > mine[top - 1]) {
            int k = top - 1;
            for (; k > 0 && mine[k - 1] < r; k--) { mine[k] = mine[k - 1]; whom[k] = whom[k - 1]; }
            mine[k] = r;
            whom[k] = (int)j;
        }
    }
    shared[3 * lane] = total;
    shared[3 * lane + 1] = size;
    shared[3 * lane + 2] = reached;
    __syncthreads();
    if (lane == 0) {
        double *into = sums + 3 * me;
        into[0] = 0.0; into[1] = 0.0; into[2] = 0.0;
        for (int one = 0; one < lanes; one++) {
            for (int k = 0; k < 3; k++) into[k] = into[k] + shared[3 * one + k];
        }
        for (int place = 0; place < top; place++) {
            int from = -1;
            double most = -2.0;
            for (int at = 0; at < TOP_MOST * lanes; at++) {
                if (names[at] < 0 || values[at] < most) continue;
                if (from < 0 || values[at] > most || names[at] < names[from]) {
                    from = at;
                    most = values[at];
                }
            }
            best[me * top + place] = from < 0 ? -2.0 : most;
            partner[me * top + place] = from < 0 ? -1 : names[from];
            if (from >= 0) names[from] = -1;
        }
    }
    for (int k = lane; k < bins; k += lanes) {
        if (pairs[k]) atomicAdd(&counts[k], (unsigned long long)pairs[k]);
    }
}
