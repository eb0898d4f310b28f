/** The training job: configuration, loop, resume, and the commands train, plan, validate and generate. */
package org.longhaul.train;
