/** What a job will need, before any GPU is asked: sizes, FLOPs, memory, layout, time. */
package org.longhaul.plan;
