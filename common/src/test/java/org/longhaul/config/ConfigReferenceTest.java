package org.longhaul.config;

import static org.junit.jupiter.api.Assertions.assertEquals;
import static org.junit.jupiter.api.Assertions.assertTrue;

import java.util.List;
import org.junit.jupiter.api.Test;
import org.longhaul.config.ConfigReference.Root;
import org.longhaul.config.Samples.Job;

class ConfigReferenceTest {
    private final String page = ConfigReference.markdown(List.of(new Root("Jobs", "longhaul job CONFIG", Job.class)));

    @Test
    void everyKeyHasItsRow() {
        assertTrue(page.contains("\n## Jobs\n\n`longhaul job CONFIG`\n\nA job.\n\n| key |"), page);
        assertTrue(page.contains("| `name` | text | **required** | What it is called. |\n"), page);
        assertTrue(page.contains("| `steps` | whole number | `10` |  |\n"), page);
        assertTrue(page.contains("| `color` | `red`, `green`, `dark_blue` | `red` |"), page);
        assertTrue(page.contains("| `tag` | text | not set |"), page);
        assertTrue(page.contains("| `weights` | map of name to number | `{}` |"), page);
        assertTrue(page.contains("| `optimizer` | section | its defaults |"), page);
    }

    @Test
    void nestedSectionsAndVariantsFollow() {
        assertTrue(page.contains("\n### `optimizer`\n\n| key |"), page);
        assertTrue(page.contains("| `lr` | number | `1e-4` | Learning rate \\| peak. |"), page);
        assertTrue(page.contains("\n### `schedule`\n\nHow the learning rate falls.\n\n`type` is one of `cosine`, `multi_step`"), page);
        assertTrue(page.contains("\n#### `schedule` with `type: multi_step`\n"), page);
        assertTrue(page.contains("\n### `sources[]`\n"), page);
    }

    @Test
    void thePageDependsOnNothingButTheRecords() {
        assertEquals(page, ConfigReference.markdown(List.of(new Root("Jobs", "longhaul job CONFIG", Job.class))));
    }
}
