// The profit and loss of each set and what it adds up to, in the order of `kernels.gather`.
// A block takes a portfolio: its threads share out the sessions, one of them follows the equity.
// Nothing here is beyond C but CUDA's own words, so a C compiler checks it, one thread a block.
extern __shared__ double shared[];

#ifdef __cplusplus
extern "C"
#endif
__global__ void gather(
    const double *pnl, const double *likely, const double *mean, const double *scale,
    const int *sets, long long members, long long sessions, double *series, double *sums)
{
    const long long block = blockIdx.x, lane = threadIdx.x, lanes = blockDim.x;
    const int *own = sets + block * members;
    double *total = series + block * sessions;
    double *into = sums + block * 8;
    for (long long t = lane; t < sessions; t += lanes) {
        double p = 0.0, like = 0.0;
        for (long long k = 0; k < members; k++) {
            long long at = (long long)own[k] * sessions + t;
            p = p + pnl[at];
            like = like + (likely[at] - mean[own[k]]) * scale[own[k]];
        }
        total[t] = p / (double)members;
        shared[t] = like;
    }
    __syncthreads();
    if (lane == 0) {
        double equity = 0.0, peak = 0.0, fall = 0.0;
        double wins = 0.0, gains = 0.0, losses = 0.0, lost = 0.0, squares = 0.0, moving = 0.0;
        for (long long t = 0; t < sessions; t++) {
            double p = total[t];
            equity = equity + p;
            if (t == 0 || equity > peak) peak = equity;
            if (peak - equity > fall) fall = peak - equity;
            if (p > 0.0) { wins = wins + 1.0; gains = gains + p; }
            if (p < 0.0) { lost = lost + 1.0; losses = losses - p; }
            squares = squares + shared[t] * shared[t];
        }
        for (long long k = 0; k < members; k++) {
            if (scale[own[k]] > 0.0) moving = moving + 1.0;
        }
        into[0] = equity; into[1] = fall; into[2] = wins; into[3] = gains;
        into[4] = losses; into[5] = lost; into[6] = squares; into[7] = moving;
    }
}
