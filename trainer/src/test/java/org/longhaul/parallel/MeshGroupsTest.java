package org.longhaul.parallel;

import static org.junit.jupiter.api.Assertions.assertEquals;
import static org.junit.jupiter.api.Assertions.assertTrue;

import java.util.ArrayList;
import java.util.HashMap;
import java.util.List;
import java.util.Map;
import org.junit.jupiter.api.Test;

/** How the groups of a mesh come about where one group of all ranks is divided: every rank takes part in every division. */
class MeshGroupsTest {
    private record Division(String name, int color, List<Integer> members) {}

    private static List<Division> divisions(Mesh mesh, int rank) {
        List<Division> divisions = new ArrayList<>();
        MeshGroups.of(mesh, rank, new MeshGroups.Factory() {
            @Override
            public Communicator create(String name, List<Integer> members) {
                return Communicator.single(name);
            }

            @Override
            public Communicator divide(String name, int color, List<Integer> members) {
                divisions.add(new Division(name, color, members));
                return members.isEmpty() ? null : Communicator.single(name);
            }
        }).close();
        return divisions;
    }

    @Test
    void ranksOfAColorAreTheMembersThatEachOfThemNames() {
        for (int pipeline = 1; pipeline <= 5; pipeline++) {
            for (int data = 1; data <= 3; data++) {
                for (int tensor = 1; tensor <= 3; tensor++) {
                    for (int virtual = 1; virtual <= (pipeline > 1 ? 2 : 1); virtual++) {
                        check(new Mesh(pipeline, data, tensor, virtual));
                    }
                }
            }
        }
    }

    private static void check(Mesh mesh) {
        List<List<Division>> ranks = new ArrayList<>();
        for (int r = 0; r < mesh.size(); r++) {
            ranks.add(divisions(mesh, r));
            assertEquals(ranks.get(0).size(), ranks.get(r).size(), mesh + ": divisions of rank " + r);
        }
        int links = 0;
        for (int i = 0; i < ranks.get(0).size(); i++) {
            Map<Integer, Division> groups = new HashMap<>();
            Map<Integer, List<Integer>> callers = new HashMap<>();
            for (int r = 0; r < mesh.size(); r++) {
                Division division = ranks.get(r).get(i);
                assertEquals(division.color < 0, division.members.isEmpty());
                if (division.color >= 0) {
                    assertTrue(division.members.contains(r), mesh + ": rank " + r + " is not of " + division);
                    Division first = groups.putIfAbsent(division.color, division);
                    assertEquals(first == null ? division : first, division, mesh + ": color " + division.color);
                    callers.computeIfAbsent(division.color, c -> new ArrayList<>()).add(r);
                }
            }
            for (Map.Entry<Integer, Division> group : groups.entrySet()) {
                List<Integer> members = group.getValue().members;
                assertEquals(members.stream().sorted().toList(), callers.get(group.getKey()), mesh + ": " + group.getValue());
                links += group.getValue().name.startsWith("forward") ? 1 : 0;
            }
        }
        // A ring only where stages are interleaved.
        int each = mesh.pipeline() == 1 ? 0 : mesh.virtualStages() > 1 ? mesh.pipeline() : mesh.pipeline() - 1;
        assertEquals(each * mesh.data() * mesh.tensor(), links, mesh + ": links");
    }
}
