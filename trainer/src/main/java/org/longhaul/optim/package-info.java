/** The update of parameters from gradients. */
package org.longhaul.optim;
