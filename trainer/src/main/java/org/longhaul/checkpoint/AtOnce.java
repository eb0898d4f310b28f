package org.longhaul.checkpoint;

import java.io.IOException;
import java.io.InterruptedIOException;
import java.util.ArrayList;
import java.util.List;
import java.util.concurrent.ExecutionException;
import java.util.concurrent.ExecutorService;
import java.util.concurrent.Executors;
import java.util.concurrent.Future;

/** Asks a storage about many files at once: stores answer in tens of milliseconds, and a checkpoint of a thousand ranks has as many files. */
final class AtOnce {
    private static final int THREADS = 16;

    private AtOnce() {}

    /** A question to a storage. */
    interface Question<T, A> {
        A ask(T about) throws IOException;
    }

    /** The answers in the order of the questions; throws what one of them throws. */
    static <T, A> List<A> ask(List<T> subjects, Question<T, A> question) throws IOException {
        List<A> answers = new ArrayList<>();
        if (subjects.size() == 1) {
            answers.add(question.ask(subjects.get(0)));
            return answers;
        }
        ExecutorService threads = Executors.newFixedThreadPool(Math.max(1, Math.min(THREADS, subjects.size())));
        try {
            List<Future<A>> asked = new ArrayList<>();
            subjects.forEach(subject -> asked.add(threads.submit(() -> question.ask(subject))));
            for (Future<A> answer : asked) {
                answers.add(answer.get());
            }
            return answers;
        } catch (InterruptedException e) {
            Thread.currentThread().interrupt();
            throw new InterruptedIOException("interrupted while asking a storage");
        } catch (ExecutionException e) {
            if (e.getCause() instanceof RuntimeException fault) {
                throw fault;
            }
            throw e.getCause() instanceof IOException cause ? cause : new IOException(e.getCause());
        } finally {
            threads.shutdownNow();
        }
    }
}
