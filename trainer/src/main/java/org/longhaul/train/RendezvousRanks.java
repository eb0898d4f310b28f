package org.longhaul.train;

import java.time.Duration;
import org.longhaul.checkpoint.RankGroup;
import org.longhaul.launch.RankEnvironment;
import org.longhaul.parallel.Rendezvous;

/** Ranks that save together and agree through the rendezvous store, apart from the training step's streams. */
final class RendezvousRanks implements RankGroup {
    private final RankEnvironment self;
    private final Rendezvous.Client client;
    private long call;

    RendezvousRanks(RankEnvironment self, Duration timeout) {
        this.self = self;
        this.client = new Rendezvous.Client(self.masterHost(), self.masterPort(), self.token(), timeout);
    }

    @Override
    public int rank() {
        return self.rank();
    }

    @Override
    public int size() {
        return self.worldSize();
    }

    @Override
    public boolean all(boolean mine) {
        String key = "savers/" + call++;
        if (self.rank() != 0) {
            client.put(key + "/" + self.rank(), flag(mine));
            return client.get(key)[0] != 0;
        }
        boolean all = mine;
        for (int r = 1; r < size(); r++) {
            all &= client.get(key + "/" + r)[0] != 0;
        }
        client.put(key, flag(all));
        return all;
    }

    private static byte[] flag(boolean value) {
        return new byte[] {(byte) (value ? 1 : 0)};
    }
}
