package org.longhaul.error;

import java.nio.file.AccessDeniedException;
import java.nio.file.FileAlreadyExistsException;
import java.nio.file.FileSystemException;
import java.nio.file.NoSuchFileException;
import java.nio.file.NotDirectoryException;

/** Why something could not be read or written, in words: Java's exceptions for files often have the name alone as their message. */
public final class Reason {
    private Reason() {}

    /** One line: the file that was in the way, where the exception names one, and the reason. */
    public static String of(Throwable e) {
        if (e instanceof FileSystemException f) {
            return f.getFile() + ": " + words(f);
        }
        return e.getMessage() == null ? e.toString() : e.getMessage().lines().findFirst().orElse("");
    }

    private static String words(FileSystemException e) {
        if (e instanceof AccessDeniedException) {
            return "permission denied";
        }
        if (e instanceof NoSuchFileException) {
            return "no such file or folder";
        }
        if (e instanceof FileAlreadyExistsException) {
            return "is there already, and not as a folder";
        }
        if (e instanceof NotDirectoryException) {
            return "is not a folder";
        }
        return e.getReason() == null ? e.getClass().getSimpleName() : e.getReason();
    }
}
