package org.longhaul.train;

import java.time.Duration;
import java.util.ArrayList;
import java.util.List;
import java.util.function.BooleanSupplier;
import org.longhaul.checkpoint.RankGroup;
import org.longhaul.error.UserError;
import org.longhaul.launch.RankEnvironment;
import org.longhaul.launch.SaveMeeting;
import org.longhaul.parallel.Rendezvous;
import org.slf4j.Logger;
import org.slf4j.LoggerFactory;

/** Ranks that save together and agree through the rendezvous store, apart from the training step's streams. */
final class RendezvousRanks implements RankGroup {
    private static final Logger LOG = LoggerFactory.getLogger(RendezvousRanks.class);
    private static final Duration FAREWELL = Duration.ofSeconds(10);

    private final RankEnvironment self;
    private final Rendezvous.Client client;
    private BooleanSupplier sound;
    private long call;

    /** {@code sound} is false once this rank's collectives have been given up: it then agrees to nothing. */
    RendezvousRanks(RankEnvironment self, Duration timeout, BooleanSupplier sound) {
        this.self = self;
        this.client = new Rendezvous.Client(self.masterHost(), self.masterPort(), self.token(), timeout);
        this.sound = sound;
    }

    /** Other collectives take the place of those before. */
    void agreeWhile(BooleanSupplier soundNow) {
        sound = soundNow;
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
        boolean own = mine && sound.getAsBoolean();
        String key = SaveMeeting.call(call);
        if (self.rank() != 0) {
            client.put(key + self.rank(), flag(own));
            boolean all = client.get(SaveMeeting.all(call))[0] != 0;
            call++;
            return all;
        }
        boolean all = own;
        for (int r = 1; r < size(); r++) {
            all &= client.get(key + r)[0] != 0;
        }
        client.put(SaveMeeting.all(call), flag(all));
        // Whoever has answered this call has read the last one's answer: a run of months keeps two calls in memory.
        client.forget(SaveMeeting.call(call - 1));
        call++;
        return all;
    }

    /** Says that this rank needs the store no more; the rank that serves it waits for the others a little. */
    void leave(Rendezvous served) {
        try {
            client.within(FAREWELL).put(farewell(self.rank()), new byte[0]);
        } catch (UserError e) {
            LOG.debug("the store is gone before rank {} left it: {}", self.rank(), e.getMessage());
            return;
        }
        if (served != null) {
            List<String> others = new ArrayList<>();
            for (int r = 0; r < size(); r++) {
                others.add(farewell(r));
            }
            served.holds(others, FAREWELL);
        }
    }

    private static String farewell(int rank) {
        return Rendezvous.FAREWELL + rank;
    }

    private static byte[] flag(boolean value) {
        return new byte[] {(byte) (value ? 1 : 0)};
    }
}
