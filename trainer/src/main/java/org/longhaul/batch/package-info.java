/** Which tokens a training step sees: a pure function of seed, stage and consumed samples. */
package org.longhaul.batch;
