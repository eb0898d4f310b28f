package org.longhaul.launch;

import static org.junit.jupiter.api.Assertions.assertEquals;

import java.util.List;
import org.junit.jupiter.api.Test;

class SaveMeetingTest {
    @Test
    void whoHasNotComeToTheLatestMeetingIsNamed() {
        List<String> keys = List.of("savers/9/1", "savers/9/2", "savers/9/3", "savers/9/all", "savers/10/1", "savers/10/3");
        assertEquals("; in the save the others wait for rank(s) 0, 2, 4-6", SaveMeeting.keepsWaiting(keys, 7));
        assertEquals("; in the save the others wait for rank(s) 1", SaveMeeting.keepsWaiting(List.of("savers/0/0"), 2));
        assertEquals("; in the save the others wait for rank(s) 0", SaveMeeting.keepsWaiting(List.of("savers/0/0", "savers/0/1"), 2));
    }

    @Test
    void nobodyIsNamedWhereNobodyWaits() {
        assertEquals("", SaveMeeting.keepsWaiting(List.of(), 4));
        assertEquals("", SaveMeeting.keepsWaiting(List.of(SaveMeeting.call(3) + 1, SaveMeeting.all(3)), 2));
    }
}
