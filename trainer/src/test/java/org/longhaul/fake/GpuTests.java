package org.longhaul.fake;

import static org.junit.platform.engine.discovery.DiscoverySelectors.selectClass;
import static org.junit.platform.engine.discovery.DiscoverySelectors.selectMethod;

import java.io.PrintWriter;
import org.junit.platform.engine.DiscoverySelector;
import org.junit.platform.launcher.LauncherDiscoveryRequest;
import org.junit.platform.launcher.core.LauncherDiscoveryRequestBuilder;
import org.junit.platform.launcher.core.LauncherFactory;
import org.junit.platform.launcher.listeners.SummaryGeneratingListener;
import org.junit.platform.launcher.listeners.TestExecutionSummary;

/** Runs test classes, or methods written {@code class#method}, in this process; prints what failed, counts last. */
final class GpuTests {
    private GpuTests() {}

    public static void main(String[] names) {
        DiscoverySelector[] selectors = new DiscoverySelector[names.length];
        for (int i = 0; i < names.length; i++) {
            selectors[i] = names[i].contains("#") ? selectMethod(names[i]) : selectClass(names[i]);
        }
        LauncherDiscoveryRequest request = LauncherDiscoveryRequestBuilder.request().selectors(selectors).build();
        SummaryGeneratingListener listener = new SummaryGeneratingListener();
        LauncherFactory.create().execute(request, listener);
        TestExecutionSummary summary = listener.getSummary();
        PrintWriter out = new PrintWriter(System.out);
        summary.printFailuresTo(out, 12);
        out.println("tests " + summary.getTestsSucceededCount() + " of " + summary.getTestsFoundCount() + " passed");
        out.flush();
        System.exit(summary.getTotalFailureCount() == 0 && summary.getTestsSucceededCount() > 0 ? 0 : 1);
    }
}
